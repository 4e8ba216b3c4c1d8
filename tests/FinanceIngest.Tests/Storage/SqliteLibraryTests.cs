using FinanceIngest.Sqlite;
using SQLitePCL;

namespace FinanceIngest.Tests.Storage;

/// <summary>Which versions of SQLite's library a program works with.</summary>
public sealed class SqliteLibraryTests
{
    [Theory]
    [InlineData(3_051_002, false)]
    [InlineData(3_050_004, false)]
    [InlineData(3_051_003, true)]
    [InlineData(4_000_000, true)]
    public void A_library_that_can_lose_a_commit_is_refused_by_its_version(int version, bool isFine)
    {
        string? refusal = SqliteLibrary.Refusal(version);

        Assert.Equal(isFine, refusal is null);
        Assert.True(isFine || refusal!.Contains("versions before 3.51.3 can lose a commit", StringComparison.Ordinal), refusal);
    }

    [Fact]
    public void The_library_that_comes_with_the_programs_keeps_every_commit()
    {
        SqliteLibrary.Require();
        Assert.True(raw.sqlite3_libversion_number() >= SqliteLibrary.Lowest, raw.sqlite3_libversion().utf8_to_string());
    }
}
