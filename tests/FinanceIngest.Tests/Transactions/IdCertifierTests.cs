using CsCheck;
using FinanceIngest.Transactions;
using Microsoft.Extensions.Time.Testing;

namespace FinanceIngest.Tests.Transactions;

public sealed class IdCertifierTests
{
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 1, 31, 12, 0, 0, TimeSpan.Zero));

    [Fact]
    public void Every_id_is_a_version_8_uuid_that_certifies_itself()
    {
        IdCertifier ids = Certifier();
        Guid[] made =
        [
            ids.NewId(), ids.ForIdempotencyKey(399, "order-1"), ids.ForBatchItem(399, "batch", 0), ids.ForMessage("queue", "message", 0),
            ids.ForOlderRow(7),
        ];
        Assert.All(made, id =>
        {
            Assert.Equal(8, id.Version);
            Assert.InRange(id.Variant, 8, 11);
            Assert.True(ids.IsIssued(id));
        });
        Assert.Equal(made.Length, made.Distinct().Count());
    }

    [Fact]
    public void An_alert_has_one_id_which_is_no_transactions()
    {
        IdCertifier ids = Certifier();
        Guid transaction = ids.NewId();
        Assert.Equal(ids.AlertId(transaction), Certifier().AlertId(transaction));
        Assert.Equal(8, ids.AlertId(transaction).Version);
        Assert.False(ids.IsIssued(ids.AlertId(transaction)));
    }

    [Fact]
    public void Ids_sort_by_the_time_of_their_making()
    {
        IdCertifier ids = Certifier();
        var texts = new List<string>();
        for (int i = 0; i < 100; i++)
        {
            texts.Add(ids.NewId().ToString("D"));
            _time.Advance(TimeSpan.FromMilliseconds(1));
        }

        Assert.Equal(texts.Order(StringComparer.Ordinal), texts);
    }

    [Fact]
    public void The_same_user_and_key_always_have_the_same_id_and_no_others_do()
    {
        IdCertifier ids = Certifier();
        Assert.Equal(ids.ForIdempotencyKey(399, "k"), Certifier().ForIdempotencyKey(399, "k"));
        Assert.NotEqual(ids.ForIdempotencyKey(399, "k"), ids.ForIdempotencyKey(400, "k"));
        Assert.NotEqual(ids.ForIdempotencyKey(399, "k"), ids.ForIdempotencyKey(399, "K"));
        Assert.NotEqual(ids.ForBatchItem(399, "k", 0), ids.ForBatchItem(399, "k", 1));
        Assert.NotEqual(ids.ForBatchItem(399, "k", 0), ids.ForIdempotencyKey(399, "k"));
        Assert.NotEqual(ids.ForMessage("q", "m", 0), ids.ForMessage("q", "m", 1));
        Assert.NotEqual(ids.ForIdempotencyKey(399, "k"), new IdCertifier("another key", _time).ForIdempotencyKey(399, "k"));
    }

    [Fact]
    public void An_id_changed_in_any_bit_is_not_certified()
    {
        IdCertifier ids = Certifier();
        byte[] bytes = ids.NewId().ToByteArray(bigEndian: true);
        int certified = 0;
        for (int bit = 0; bit < 128; bit++)
        {
            bytes[bit / 8] ^= (byte)(1 << (bit % 8));
            certified += ids.IsIssued(new Guid(bytes, bigEndian: true)) ? 1 : 0;
            bytes[bit / 8] ^= (byte)(1 << (bit % 8));
        }

        Assert.Equal(0, certified);
    }

    [Fact]
    public void Ids_of_another_installation_and_invented_ones_are_not_certified()
    {
        IdCertifier ids = Certifier();
        Assert.False(ids.IsIssued(new IdCertifier("another key", _time).NewId()));
        Gen.Guid.Sample(id => !ids.IsIssued(id), seed: "0000000000001", iter: 1000);
    }

    [Theory]
    [InlineData("01941f29-7c00-7000-8000-000000000000", 1735689600000)]
    [InlineData("01941F29-7C00-7FFF-BFFF-FFFFFFFFFFFF", 1735689600000)]
    [InlineData("01941f297c007000a000000000000000", 1735689600000)]
    [InlineData("01JGFJJZ00ABCDEFGHJKMNPQRS", 1735689600000)]
    [InlineData("01jgfjjz00zzzzzzzzzzzzzzzz", 1735689600000)]
    [InlineData("014aa2ca-b000-7000-8000-000000000000", 1420070400000)]
    [InlineData("03bb2cc3-d7ff-7000-8000-000000000000", 4102444799999)]
    public void A_key_that_carries_a_time_lends_the_id_that_time(string key, long milliseconds)
    {
        IdCertifier ids = Certifier();
        foreach (Guid id in new[] { ids.ForIdempotencyKey(399, key), ids.ForBatchItem(399, key, 0), ids.ForBatchItem(400, key, 1) })
        {
            Assert.InRange(milliseconds - MillisecondsOf(id), -1023, 1023);
            Assert.True(ids.IsIssued(id));
        }

        Assert.NotEqual(ids.ForIdempotencyKey(399, key), ids.ForIdempotencyKey(400, key));
        Assert.NotEqual(ids.ForBatchItem(399, key, 0), ids.ForBatchItem(399, key, 1));

        // The clock decides nothing: a repeat is a repeat for ever.
        Guid before = ids.ForIdempotencyKey(399, key);
        _time.Advance(TimeSpan.FromDays(40_000));
        Assert.Equal(before, Certifier().ForIdempotencyKey(399, key));
    }

    [Theory]
    [InlineData("014aa2ca-afff-7000-8000-000000000000")] // 2014
    [InlineData("03bb2cc3-d800-7000-8000-000000000000")] // 2100
    [InlineData("01941f29-7c00-4000-8000-000000000000")] // version 4
    [InlineData("01941f29-7c00-7000-c000-000000000000")] // another variant
    [InlineData("01941f29-7c00-7000-8000-00000000000g")]
    [InlineData("{1941f29-7c00-7000-8000-000000000000}")]
    [InlineData("81JGFJJZ00ABCDEFGHJKMNPQRS")] // more than 128 bits
    [InlineData("01JGFJJZ00ABCDEFGHIKMNPQRS")] // I is no digit
    [InlineData("01JGFJJZ00ABCDEFGHJKMNPQRS ")]
    [InlineData("order-1")]
    public void Every_other_key_has_an_id_without_a_time(string key)
    {
        // 48 bits of a hash lie within those years with a probability of 1 %. These texts do not.
        long milliseconds = MillisecondsOf(Certifier().ForIdempotencyKey(399, key));
        Assert.False(milliseconds is > 1_400_000_000_000 and < 4_200_000_000_000, $"{milliseconds}");
    }

    [Fact]
    public void Ids_of_keys_that_carry_a_time_lie_in_order_as_the_indexes_compare_them()
    {
        IdCertifier ids = Certifier();
        var keyed = new List<Guid>();
        for (int second = 0; second < 200; second++)
        {
            keyed.Add(ids.ForIdempotencyKey(second % 7 + 1, Guid.CreateVersion7(_time.GetUtcNow().AddSeconds(second * 2)).ToString()));
        }

        Assert.Equal(keyed.Select(id => id.ToString()).Order(StringComparer.Ordinal), keyed.Select(id => id.ToString()));

        // The other 60 bits are a keyed hash: who guesses a key learns nothing from the bits of its id without the signing key.
        var theirs = new IdCertifier("another key", _time);
        string key = Guid.CreateVersion7(_time.GetUtcNow()).ToString();
        byte[] one = ids.ForIdempotencyKey(1, key).ToByteArray(bigEndian: true);
        byte[] other = theirs.ForIdempotencyKey(1, key).ToByteArray(bigEndian: true);
        Assert.Equal(one[..4], other[..4]);
        Assert.NotEqual(one[6..13], other[6..13]);
    }

    private static long MillisecondsOf(Guid id) => Convert.ToInt64(id.ToString("N")[..12], 16);

    private IdCertifier Certifier() => new("a signing key", _time);
}
