using System.Buffers.Binary;
using System.Security.Cryptography;
using CsCheck;
using FinanceIngest.Cli.Submitting;

namespace FinanceIngest.Tests.Cli;

/// <summary>A row that is submitted again keeps its key, and different rows never share one.</summary>
public sealed class IdempotencyKeysTests : IDisposable
{
    private const string Timed = "user_id,category_id,amount,occurred_at\n1,1,5,2026-01-01T00:00:00Z\n1,1,5,2026-01-01T00:00:00Z\n1,1,6,2026-01-01T00:00:00Z\n";
    private const string Timeless = "user_id,category_id,amount\n1,1,5\n1,1,5\n1,1,6\n";
    private readonly CliHarness _cli = new();

    [Fact]
    public async Task Equal_rows_of_a_file_are_told_apart_and_get_the_same_keys_in_every_run()
    {
        string file = _cli.Write("a.csv", Timed);

        string[] first = await KeysAsync(file);

        Assert.Equal(3, first.Distinct().Count());
        Assert.Equal(first[0][..^1] + "2", first[1]);
        Assert.StartsWith("a.csv:", first[0], StringComparison.Ordinal);
        Assert.Equal(first, await KeysAsync(file));
    }

    [Fact]
    public async Task A_grown_file_of_the_same_name_keeps_the_keys_of_its_rows_with_a_time()
    {
        string[] first = await KeysAsync(_cli.Write("monday/a.csv", Timed));

        string[] second = await KeysAsync(_cli.Write("tuesday/a.csv", Timed + "1,1,7,2026-01-02T00:00:00Z\n"));

        Assert.Equal(first, second[..3]);
        Assert.NotEqual(first, (await KeysAsync(_cli.Write("b.csv", Timed))));
    }

    [Fact]
    public async Task Rows_without_a_time_in_different_files_never_share_a_key_not_even_under_one_name()
    {
        string[] first = await KeysAsync(_cli.Write("monday/a.csv", Timeless));

        string[] second = await KeysAsync(_cli.Write("tuesday/a.csv", Timeless + "1,1,7\n"));

        Assert.Empty(first.Intersect(second));
        Assert.Equal(first, await KeysAsync(_cli.PathOf("monday/a.csv")));
    }

    [Fact]
    public async Task A_corrected_file_of_rows_without_a_time_is_submitted_with_a_warning()
    {
        CliResult result = await _cli.RunAsync("submit", _cli.Write("a.csv", Timeless + "1,1,7,8\n"));

        Assert.Contains("put corrected rows into a new file", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_prefix_of_the_users_choice_is_for_all_rows_of_any_file()
    {
        string[] first = await KeysAsync(_cli.Write("a.csv", Timeless), "--idempotency-prefix", "mine");

        Assert.All(first, key => Assert.StartsWith("mine:", key, StringComparison.Ordinal));
        Assert.Equal(first, (await KeysAsync(_cli.Write("b.csv", Timeless + "1,1,7\n"), "--idempotency-prefix", "mine"))[..3]);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Standard_input_has_the_contents_hash_for_all_rows(bool timed)
    {
        string row = timed
            ? """{"user_id":1,"category_id":1,"amount":5,"occurred_at":"2026-01-01T00:00:00Z"}"""
            : """{"user_id":1,"category_id":1,"amount":5}""";
        _cli.Input = row + "\n";
        string[] first = await KeysAsync("-");
        Assert.Equal(first, await KeysAsync("-"));

        _cli.Input = row + "\n" + row + "\n";
        string[] second = await KeysAsync("-");

        Assert.Equal(2, second.Distinct().Count());
        Assert.Empty(first.Intersect(second));
    }

    [Fact]
    public async Task A_key_of_its_own_is_kept_and_does_not_count_as_an_occurrence()
    {
        string[] keys = await KeysAsync(_cli.Write(
            "a.csv",
            "user_id,category_id,amount,occurred_at,idempotency_key\n1,1,5,2026-01-01T00:00:00Z,own\n1,1,5,2026-01-01T00:00:00Z,\n"));

        Assert.Equal("own", keys[0]);
        Assert.EndsWith(":1", keys[1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_long_file_name_leaves_the_key_legal()
    {
        string[] keys = await KeysAsync(_cli.Write(new string('x', 200) + ".csv", Timed));

        Assert.All(keys, key => Assert.InRange(key.Length, 1, 255));
    }

    [Fact]
    public void Fields_that_run_together_are_different_rows()
    {
        var keys = new IdempotencyKeys("p", null, () => "");

        Assert.NotEqual(
            keys.For(new CsvRow { Line = 1, UserId = "1", CategoryId = "11", Amount = "1" }),
            keys.For(new CsvRow { Line = 2, UserId = "11", CategoryId = "1", Amount = "1" }));
    }

    [Fact]
    public void The_counter_counts_as_a_dictionary_would() => Gen.Int[0, 60].Array[0, 3000].Sample(rows =>
    {
        var counter = new OccurrenceCounter();
        var expected = new Dictionary<int, int>();
        Span<byte> hash = stackalloc byte[32];
        foreach (int row in rows)
        {
            BinaryPrimitives.WriteInt32BigEndian(hash, row);
            SHA256.HashData(hash[..4], hash);

            // All hashes fall into two segments, so that their tables grow and probe.
            hash[0] = 0;
            hash[1] &= 1;
            expected[row] = expected.GetValueOrDefault(row) + 1;
            if (counter.Next(hash) != expected[row])
            {
                return false;
            }
        }

        return true;
    });

    public void Dispose() => _cli.Dispose();

    private async Task<string[]> KeysAsync(string file, params string[] more)
    {
        int before = _cli.Api.Batches.Count;
        await _cli.RunAsync(["submit", file, .. more]);
        Assert.Equal(before + 1, _cli.Api.Batches.Count);
        return [.. _cli.Api.Keys.Skip(_cli.Api.Batches.Take(before).Sum(lines => lines.Length)).Select(key => key!)];
    }
}
