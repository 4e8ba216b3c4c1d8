using System.Data;
using Dapper;
using FinanceIngest.Alerts;
using FinanceIngest.Baselines;
using FinanceIngest.Commands;
using FinanceIngest.Learning;
using FinanceIngest.Poison;
using FinanceIngest.Preferences;
using FinanceIngest.Results;
using Microsoft.Data.SqlClient.Server;

namespace FinanceIngest.Storage.SqlServer;

/// <summary>
/// Makes table-valued parameters of this system's types: many rows take one round trip, amounts are decimals, and doubles and times are exact.
/// Keys are made distinct here, because each table type has a primary key.
/// </summary>
internal static class SqlServerTables
{
    private static readonly SqlMetaData[] s_ids = [Key("id_key")];

    private static readonly SqlMetaData[] s_baselineKeys = [new("user_id", SqlDbType.BigInt), new("category_id", SqlDbType.BigInt)];

    private static readonly SqlMetaData[] s_baselines =
    [
        .. s_baselineKeys, new("mean", SqlDbType.Float), new("std_dev", SqlDbType.Float), new("sample_count", SqlDbType.BigInt),
    ];

    private static readonly SqlMetaData[] s_results =
    [
        Key("transaction_key"),
        new("ordinal", SqlDbType.Int),
        new("is_candidate", SqlDbType.Bit),
        new("user_id", SqlDbType.BigInt),
        new("category_id", SqlDbType.BigInt),
        new("amount", SqlDbType.Decimal, 19, 4),
        new("z_score", SqlDbType.Float),
        new("is_anomaly", SqlDbType.Bit),
        new("status", SqlDbType.VarChar, 16),
        new("reason", SqlDbType.VarChar, 32),
        new("mean", SqlDbType.Float),
        new("std_dev", SqlDbType.Float),
        new("sample_count", SqlDbType.BigInt),
        Time("occurred_at"),
        Time("accepted_at"),
        Time("created_at"),
        Text("error"),
    ];

    private static readonly SqlMetaData[] s_alerts =
    [
        Key("alert_key"), Key("transaction_key"), Text("payload"), Text("traceparent"), Time("created_at"),
    ];

    private static readonly SqlMetaData[] s_poison =
    [
        // Longer than the column, so that the server refuses an id that is too long; SqlClient would cut it.
        new("message_id", SqlDbType.NVarChar, 4000),
        Text("reason"), Text("exception"), new("attempts", SqlDbType.Int), Text("traceparent"), Text("body"), Time("inserted_at"), Time("failed_at"),
    ];

    private static readonly SqlMetaData[] s_marks =
    [
        Key("transaction_key"), new("suppressed_by", SqlDbType.VarChar, 16), new("has_alert", SqlDbType.Bit), Key("replaces"),
    ];

    private static readonly SqlMetaData[] s_commands =
    [
        new("ordinal", SqlDbType.Int),
        new("kind", SqlDbType.VarChar, 16),
        Key("transaction_key"),
        new("user_id", SqlDbType.BigInt),
        new("category_id", SqlDbType.BigInt),
        new("is_snooze", SqlDbType.Bit),
        new("word", SqlDbType.VarChar, 16),
        new("amount", SqlDbType.Decimal, 19, 4),
        Time("until"),
        Time("accepted_at"),
        Key("command_key"),
    ];

    private static readonly SqlMetaData[] s_users = [new("user_id", SqlDbType.BigInt)];

    private static readonly SqlMetaData[] s_stateKeys = [.. s_baselineKeys, new("is_refund", SqlDbType.Bit)];

    private static readonly SqlMetaData[] s_userStates =
    [
        .. s_users, new("expected", SqlDbType.BigInt), new("version", SqlDbType.BigInt), Bytes("state", 200), Bytes("carried", 200),
    ];

    private static readonly SqlMetaData[] s_states = [.. s_stateKeys, Bytes("state", 400), Bytes("carried", 400)];

    private static readonly SqlMetaData[] s_judgements =
    [
        Key("transaction_key"), new("detector", SqlDbType.VarChar, 32), Bytes("judgement", 400), Bytes("contribution", 100),
        new("shadow", SqlDbType.NVarChar, 400),
    ];

    private static readonly SqlMetaData[] s_categories =
    [
        new("category_id", SqlDbType.BigInt), new("is_refund", SqlDbType.Bit), Bytes("prior", SqlMetaData.Max), Bytes("verdicts", SqlMetaData.Max),
    ];

    public static SqlMapper.ICustomQueryParameter Users(IEnumerable<long> users) =>
        Table("finance_users", s_users, users.Distinct(), static (record, user) => record.SetInt64(0, user));

    public static SqlMapper.ICustomQueryParameter StateKeys(IEnumerable<StateKey> keys) => Table(
        "finance_state_keys", s_stateKeys, keys.Distinct(),
        static (record, key) => record.SetValues(key.UserId, key.Category.CategoryId, key.Category.IsRefund));

    /// <summary>States of users.</summary>
    public static SqlMapper.ICustomQueryParameter UserStates(IEnumerable<UserChange> changes) => Table(
        "finance_user_states", s_userStates, changes,
        static (record, change) => record.SetValues(
            change.UserId, OrNull(change.Expected), change.Version, StateBytes.Of(change.State), OrNull(StateBytes.OfCarried(change.Carried))));

    /// <summary>States of users and categories.</summary>
    public static SqlMapper.ICustomQueryParameter States(IEnumerable<UserChange> changes) => Table(
        "finance_states", s_states, changes.SelectMany(static change => change.Keys.Select(key => (change.UserId, Key: key))),
        static (record, item) => record.SetValues(
            item.UserId, item.Key.Category.CategoryId, item.Key.Category.IsRefund, StateBytes.Of(item.Key.State),
            OrNull(StateBytes.OfCarried(item.Key.Carried))));

    /// <summary>What detectors say of the results that are to become rows, and what these contribute.</summary>
    public static SqlMapper.ICustomQueryParameter Judgements(IEnumerable<TransactionResult> results) => Table(
        "finance_judgements", s_judgements, results.Where(static result => result.Contribution is not null),
        static (record, result) => record.SetValues(
            Key(result.Id), OrNull(result.Detected?.Detector), OrNull(result.Detected?.ToBytes()), result.Contribution!.Value.ToBytes(),
            OrNull(result.Shadow)));

    /// <summary>What rows contribute after a verdict and contributed before it, in the columns <c>contribution</c> and <c>judgement</c>.</summary>
    public static SqlMapper.ICustomQueryParameter Answered(IEnumerable<(Guid Id, TaughtRow Row)> rows) => Table(
        "finance_judgements", s_judgements, rows,
        static (record, item) => record.SetValues(
            Key(item.Id), DBNull.Value, OrNull(item.Row.Original?.ToBytes()), item.Row.Present.ToBytes(), DBNull.Value));

    /// <summary>Rows of a model.</summary>
    public static SqlMapper.ICustomQueryParameter Categories(IEnumerable<ModelRow> rows) => Table(
        "finance_categories", s_categories, rows,
        static (record, row) => record.SetValues(row.Category.CategoryId, row.Category.IsRefund, row.Prior, OrNull(row.Verdicts)));

    public static SqlMapper.ICustomQueryParameter Ids(IEnumerable<Guid> ids) =>
        Table("finance_ids", s_ids, ids.Distinct(), (record, id) => record.SetValue(0, Key(id)));

    public static SqlMapper.ICustomQueryParameter BaselineKeys(IEnumerable<BaselineKey> keys) => Table(
        "finance_baseline_keys", s_baselineKeys, keys.Distinct(), (record, key) => record.SetValues(key.UserId, key.CategoryId));

    /// <summary>Baselines; of several for one key the last is taken.</summary>
    public static SqlMapper.ICustomQueryParameter Baselines(IEnumerable<BaselineRow> rows) => Table(
        "finance_baselines",
        s_baselines,
        rows.Reverse().DistinctBy(row => row.Key),
        (record, row) => record.SetValues(row.Key.UserId, row.Key.CategoryId, row.Baseline.Mean, row.Baseline.StdDev, row.Baseline.SampleCount));

    /// <summary>
    /// All results. One result of each id is the candidate for the row: the first scored one, or else the first.
    /// </summary>
    public static SqlMapper.ICustomQueryParameter Results(IReadOnlyList<TransactionResult> results)
    {
        var candidates = new Dictionary<Guid, int>(results.Count);
        for (int i = 0; i < results.Count; i++)
        {
            if (!candidates.TryGetValue(results[i].Id, out int chosen)
                || (results[chosen].Status != TransactionStatus.Scored && results[i].Status == TransactionStatus.Scored))
            {
                candidates[results[i].Id] = i;
            }
        }

        return Table(
            "finance_results", s_results, results.Index(), (record, item) => Set(record, item.Item, item.Index, candidates[item.Item.Id] == item.Index));
    }

    /// <summary>Alerts; of several with one id the first is taken.</summary>
    public static SqlMapper.ICustomQueryParameter Alerts(IEnumerable<NewAlert> alerts) => Table(
        "finance_alerts",
        s_alerts,
        alerts.DistinctBy(alert => alert.AlertId),
        (record, alert) => record.SetValues(Key(alert.AlertId), Key(alert.TransactionId), alert.Payload, OrNull(alert.TraceParent), alert.CreatedAt));

    /// <summary>Poison messages; of several with one id the first is taken.</summary>
    public static SqlMapper.ICustomQueryParameter Poison(IEnumerable<PoisonMessage> messages) => Table(
        "finance_poison",
        s_poison,
        messages.DistinctBy(message => message.MessageId),
        (record, message) => record.SetValues(
            message.MessageId, message.Reason, OrNull(message.Exception), message.Attempts, OrNull(message.TraceParent), message.Body,
            message.InsertedAt, message.FailedAt));

    /// <summary>What is said of the results that are to become rows, beside their scores.</summary>
    public static SqlMapper.ICustomQueryParameter Marks(IEnumerable<TransactionResult> results) => Table(
        "finance_marks",
        s_marks,
        results.Where(static result => result.Status == TransactionStatus.Scored).DistinctBy(static result => result.Id)
            .Where(static result => result.Alert is not null || result.Replaces is not null),
        static (record, result) => record.SetValues(
            Key(result.Id), OrNull(result.SuppressedBy is { } suppression ? Names.Of(suppression) : null),
            result.Alert == AlertState.Queued && !result.IsAnomaly, OrNull(result.Replaces is { } replaced ? Key(replaced) : null)));

    /// <summary>Commands; of several with one target the last accepted one is taken.</summary>
    public static SqlMapper.ICustomQueryParameter Commands(IEnumerable<Command> commands) => Table(
        "finance_commands",
        s_commands,
        commands.GroupBy(TargetOf).Select(same => same.MaxBy(command => command.Order)!).Index(),
        (record, item) => Set(record, item.Item, item.Index));

    private static object TargetOf(Command command) => command switch
    {
        FeedbackCommand feedback => ("feedback", feedback.TransactionId),
        WithdrawCommand withdrawal => ("withdraw", withdrawal.TransactionId),
        SensitivityCommand setting => (SensitivityKey.Of(setting.UserId, setting.CategoryId), setting.Until is not null),
        EraseUserCommand erasure => erasure.UserId,
        _ => command,
    };

    private static void Set(SqlDataRecord record, Command command, int ordinal)
    {
        string kind = command switch
        {
            FeedbackCommand => "feedback",
            WithdrawCommand => "withdraw",
            SensitivityCommand => "sensitivity",
            EraseUserCommand => "erase_user",
            _ => "other",
        };
        Guid? transaction = command is FeedbackCommand feedback ? feedback.TransactionId : (command as WithdrawCommand)?.TransactionId;
        SensitivityKey? key = command switch
        {
            SensitivityCommand setting => SensitivityKey.Of(setting.UserId, setting.CategoryId),
            EraseUserCommand erasure => new SensitivityKey(erasure.UserId, 0),
            _ => null,
        };
        string? word = command switch
        {
            FeedbackCommand { Verdict: { } verdict } => CommandNames.Of(verdict),
            SensitivityCommand { Level: { } level } => CommandNames.Of(level),
            _ => null,
        };
        var sensitivity = command as SensitivityCommand;
        record.SetValues(
            ordinal, kind, OrNull(transaction is { } id ? Key(id) : null), OrNull(key?.UserId), OrNull(key?.CategoryId),
            OrNull(sensitivity is null ? null : sensitivity.Until is not null), OrNull(word), OrNull(sensitivity?.MinimumAmount?.ToDecimal()),
            OrNull(sensitivity?.Until), command.AcceptedAt, Key(command.Id));
    }

    private static void Set(SqlDataRecord record, TransactionResult result, int ordinal, bool isCandidate) => record.SetValues(
        Key(result.Id),
        ordinal,
        isCandidate,
        OrNull(result.UserId),
        OrNull(result.CategoryId),
        OrNull(result.Amount?.ToDecimal()),
        OrNull(result.ZScore),
        result.IsAnomaly,
        Names.Of(result.Status),
        OrNull(result.Reason is { } reason ? Names.Of(reason) : null),
        OrNull(result.Baseline?.Mean),
        OrNull(result.Baseline?.StdDev),
        OrNull(result.Baseline?.SampleCount),
        OrNull(result.OccurredAt),
        OrNull(result.AcceptedAt),
        OrNull(result.ScoredAt),
        OrNull(result.Error));

    /// <summary>The key of an id: its bytes in the order of its text, in which SQL Server compares a BINARY(16).</summary>
    internal static byte[] Key(Guid id) => id.ToByteArray(bigEndian: true);

    private static SqlMetaData Key(string name) => new(name, SqlDbType.Binary, 16);

    private static SqlMetaData Bytes(string name, long most) => new(name, SqlDbType.VarBinary, most);

    private static SqlMetaData Text(string name) => new(name, SqlDbType.NVarChar, SqlMetaData.Max);

    private static SqlMetaData Time(string name) => new(name, SqlDbType.DateTime2, 0, 6);

    private static object OrNull(object? value) => value ?? DBNull.Value;

    private static SqlMapper.ICustomQueryParameter Table<T>(string type, SqlMetaData[] columns, IEnumerable<T> rows, Action<SqlDataRecord, T> set) =>
        Records(columns, rows, set).AsTableValuedParameter(type);

    // All rows share one record: SqlClient sends each row before it asks for the next.
    private static IEnumerable<SqlDataRecord> Records<T>(SqlMetaData[] columns, IEnumerable<T> rows, Action<SqlDataRecord, T> set)
    {
        var record = new SqlDataRecord(columns);
        foreach (T row in rows)
        {
            set(record, row);
            yield return record;
        }
    }
}
