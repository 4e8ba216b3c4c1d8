using FinanceIngest.Storage;
using FinanceIngest.Storage.SqlServer;

namespace FinanceIngest.Tests.Storage;

/// <summary>What becomes of indexes, rights and the like that an operator had added to a table of the older system.</summary>
public sealed class OlderAttachmentsTests
{
    private readonly Dictionary<string, string?[][]> _answers = [];

    [Fact]
    public async Task Indexes_and_rights_are_put_back_and_the_rest_is_named()
    {
        _answers[OlderAttachments.IndexesSql] =
        [
            ["by_user", "NONCLUSTERED", "0", null, "user_id", "0", "0"],
            ["by_user", "NONCLUSTERED", "0", null, "created_at", "1", "0"],
            ["by_user", "NONCLUSTERED", "0", null, "amount", "0", "1"],
            ["only_once", "NONCLUSTERED", "1", "([amount]>(0))", "odd]name", "0", "0"],
            ["everything", "CLUSTERED COLUMNSTORE", "0", null, "id", "0", "1"],
            ["Anomaly_Transactions_By_Key", "NONCLUSTERED", "0", null, "id", "0", "0"],
        ];
        _answers[OlderAttachments.RightsSql] =
        [
            ["GRANT", "SELECT", "report user", null],
            ["GRANT_WITH_GRANT_OPTION", "SELECT", "boss", "amount"],
            ["DENY", "DELETE", "public", null],
        ];
        _answers[OlderAttachments.OthersSql] = [["trigger", "on_insert"], ["check constraint", "positive"]];

        (IReadOnlyList<(string Sql, string Words)> fitting, IReadOnlyList<string> others) = (await ReadAsync()).Plan(["anomaly_transactions_by_key"]);

        Assert.Equal(
            [
                "CREATE INDEX [by_user] ON anomaly_transactions ([user_id], [created_at] DESC) INCLUDE ([amount])",
                "CREATE INDEX [only_once] ON anomaly_transactions ([odd]]name]) WHERE ([amount]>(0))",
                "GRANT SELECT ON anomaly_transactions TO [report user]",
                "GRANT SELECT ON anomaly_transactions ([amount]) TO [boss] WITH GRANT OPTION",
                "DENY DELETE ON anomaly_transactions TO [public]",
            ],
            fitting.Select(item => item.Sql));
        Assert.EndsWith("no longer unique", fitting[1].Words, StringComparison.Ordinal);
        Assert.Equal(
            [
                "index everything on anomaly_transactions (): its kind is CLUSTERED COLUMNSTORE",
                "index Anomaly_Transactions_By_Key on anomaly_transactions ([id]): its name is one of this system's",
                "trigger on_insert on anomaly_transactions",
                "check constraint positive on anomaly_transactions",
            ],
            others);
    }

    [Fact]
    public async Task A_table_to_which_others_refer_is_not_replaced()
    {
        _answers[OlderAttachments.ReferencesSql] = [["notes_of_transaction"]];

        MigrationException e = await Assert.ThrowsAsync<MigrationException>(ReadAsync);

        Assert.Contains("notes_of_transaction", e.Message, StringComparison.Ordinal);
        Assert.Contains("Nothing was changed", e.Message, StringComparison.Ordinal);
    }

    private async Task<OlderAttachments> ReadAsync()
    {
        var attachments = new OlderAttachments("anomaly_transactions");
        await attachments.ReadAsync((sql, table) =>
        {
            Assert.Equal("anomaly_transactions", table);
            return Task.FromResult<IReadOnlyList<string?[]>>(_answers.GetValueOrDefault(sql) ?? []);
        });
        return attachments;
    }
}
