using FinanceIngest.Detection;

namespace FinanceIngest.Tests.Detection;

/// <summary>What is stored is read back as it was, and bytes of another version are refused.</summary>
public sealed class EncodingTests
{
    [Fact]
    public void A_state_of_a_user_and_category_fits_into_192_bytes_and_is_read_back()
    {
        KeyState state = new History().Fill(500, 1).Key;
        byte[] bytes = new byte[KeyState.Size];
        state.Write(bytes);
        byte[] again = new byte[KeyState.Size];
        KeyState.Read(bytes).Write(again);
        Assert.True(KeyState.Size <= 192);
        Assert.Equal(bytes, again);
        History.AssertAlike((state, default), (KeyState.Read(bytes), default));
        Assert.Equal(state.Peak, KeyState.Read(bytes).Peak);
        Assert.Contains(Enumerable.Range(0, RememberedAmounts.Length), i => KeyState.Read(bytes).Remembered[i].Count > 1);
    }

    [Fact]
    public void A_state_of_a_user_is_read_back()
    {
        UserState state = new History().Fill(500, 2).User;
        byte[] bytes = new byte[UserState.Size];
        state.Write(bytes);
        Assert.Equal(state, UserState.Read(bytes));
    }

    [Fact]
    public void A_contribution_is_read_back()
    {
        var contribution = new Contribution
        {
            Weight = 0.3f,
            Amount = 1234.5678,
            Log = 7.1f,
            Evidence = -0.25f,
            Episode = 1.5f,
            EpisodeBefore = -4.9f,
            Residual = 2,
            Seasonal = -1,
            IsRepeat = true,
            Slot = 7,
            Generation = ushort.MaxValue,
            SlotFirstDay = 60_000,
            SlotLog = 9.5f,
            SurpriseBin = 200,
            CountBucket = 7,
            OddsBin = 511,
            PriorVersion = 1_000_000,
        };
        byte[] bytes = new byte[Contribution.Size];
        contribution.Write(bytes);
        Assert.Equal(contribution, Contribution.Read(bytes));
    }

    [Fact]
    public void A_remembered_amount_keeps_days_before_its_first()
    {
        const int rows = RememberedAmount.MostRows;
        var amount = new RememberedAmount { Log = 3, Generation = 9, Count = rows, FirstDay = 65_535, DaySum = -rows * Days.Most };
        byte[] bytes = new byte[RememberedAmount.Size];
        amount.Write(bytes);
        Assert.Equal(amount, RememberedAmount.Read(bytes));
    }

    [Fact]
    public void Nothing_stored_is_nothing_known()
    {
        Assert.Equal(0, KeyState.Read([]).Rows);
        Assert.Equal(0, UserState.Read([]).Rows);
    }

    [Fact]
    public void Another_version_is_refused_with_both_versions_named()
    {
        byte[] bytes = new byte[KeyState.Size];
        default(KeyState).Write(bytes);
        bytes[0] = 9;
        Assert.Contains("version 9", Assert.Throws<FormatException>(() => KeyState.Read(bytes)).Message, StringComparison.Ordinal);
        Assert.Throws<FormatException>(() => UserState.Read(bytes));
        Assert.Throws<FormatException>(() => Contribution.Read(bytes));
        Assert.Throws<FormatException>(() => Contribution.Read([]));
        Assert.Throws<FormatException>(() => CategoryPrior.Read(bytes));
    }
}
