using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using FinanceIngest.Alerts;
using FinanceIngest.Baselines;
using FinanceIngest.Queueing;
using FinanceIngest.Results;
using FinanceIngest.Transactions;
using NJsonSchema;

namespace FinanceIngest.Tests.Deployment;

/// <summary>
/// Compares the Logic App's workflow with alerts as the code makes them. Its expressions can't run outside Azure: where an expression matters, the tests assert
/// its exact text and apply its rule to real messages.
/// </summary>
public sealed partial class WorkflowTests
{
    private static readonly string s_text = File.ReadAllText(Path.Combine(Support.Repository.Root, "infra", "logic-app", "workflow.json"));
    private static readonly JsonElement s_workflow = JsonDocument.Parse(s_text).RootElement;
    private static readonly JsonElement s_mailing = s_workflow.GetProperty("actions");
    private static readonly JsonElement s_schema = s_mailing.GetProperty("Parse_JSON").GetProperty("inputs").GetProperty("schema");

    public static TheoryData<string, double, double> Anomalies { get; } = new()
    {
        { "6000", 2000, 500 },
        { "-0.0001", 1e-300, 1e-305 },
        { "922337203685477.5807", 1e15, 0.1 },
    };

    [Theory]
    [MemberData(nameof(Anomalies))]
    public async Task A_real_alert_satisfies_the_schema(string amount, double mean, double stdDev)
    {
        JsonSchema schema = await JsonSchema.FromJsonAsync(s_schema.GetRawText());
        Assert.Empty(schema.Validate(Alert(decimal.Parse(amount, System.Globalization.CultureInfo.InvariantCulture), mean, stdDev)));
    }

    [Fact]
    public async Task The_older_systems_message_satisfies_it_too()
    {
        JsonSchema schema = await JsonSchema.FromJsonAsync(s_schema.GetRawText());
        Assert.Empty(schema.Validate("""{"user_id": 399, "category_id": 2310, "amount": 25000, "z_score": 16.9}"""));
        Assert.NotEmpty(schema.Validate("""{"user_id": 399, "category_id": 2310, "amount": 25000}"""));
        Assert.NotEmpty(schema.Validate("""{"user_id": "399", "category_id": 2310, "amount": 25000, "z_score": 16.9}"""));
    }

    [Fact]
    public void The_schema_knows_every_field_of_an_alert_and_no_other()
    {
        using JsonDocument alert = JsonDocument.Parse(Alert(6000, 2000, 500));

        // A detector that learns adds the last two.
        Assert.Equal(
            alert.RootElement.EnumerateObject().Select(field => field.Name).Concat(["explanation", "link"]).Distinct().Order(),
            s_schema.GetProperty("properties").EnumerateObject().Select(field => field.Name).Order());
    }

    [Fact]
    public void Expressions_use_fields_that_the_schema_has()
    {
        IEnumerable<string> known = s_schema.GetProperty("properties").EnumerateObject().Select(field => field.Name);
        string[] used = [.. BodyField().Matches(s_text).Select(match => match.Groups[1].Value).Distinct()];
        Assert.Subset(known.ToHashSet(), used.ToHashSet());

        // The mail must show the fields of the older system's mail and the baseline.
        Assert.Superset(new HashSet<string> { "user_id", "category_id", "amount", "z_score", "mean", "std_dev", "transaction_id" }, used.ToHashSet());
    }

    [Fact]
    public void The_mail_is_the_older_systems()
    {
        JsonElement mail = s_mailing.GetProperty("Send_an_email").GetProperty("inputs").GetProperty("body");
        Assert.Equal("Anomaly Detected in Finance Tracker", mail.GetProperty("Subject").GetString());
        string body = mail.GetProperty("Body").GetString()!;
        int position = -1;
        string[] parts =
        [
            "An unusual transaction was detected.",
            "User ID: ",
            "Category ID: ",
            "Amount: ",
            "Z-score: ",
            "Baseline: ",
            "Please review this transaction.",
        ];
        foreach (string part in parts)
        {
            int next = body.IndexOf(part, StringComparison.Ordinal);
            Assert.True(next > position, part);
            position = next;
        }
    }

    [Fact]
    public void Text_is_decoded_unless_it_begins_with_a_brace()
    {
        JsonElement condition = s_mailing.GetProperty("If_it_is_base64");
        Assert.Equal(
            """{"and":[{"not":{"startsWith":["@variables('text')","{"]}}]}""", JsonSerializer.Serialize(condition.GetProperty("expression"), s_asWritten));
        Assert.Equal("@base64ToString(variables('text'))", condition.GetProperty("actions").GetProperty("Decode").GetProperty("inputs").GetString());
        Assert.False(condition.TryGetProperty("else", out _));

        // The rule holds for the text that AlertDispatcher sends, and for the text that a connector has already decoded.
        string alert = Alert(6000, 2000, 500);
        foreach (string text in new[] { MessageText.Encode(alert), alert, $" {alert}\n" })
        {
            string trimmed = text.Trim();
            Assert.Equal(alert, trimmed.StartsWith('{') ? trimmed : Encoding.UTF8.GetString(Convert.FromBase64String(trimmed)));
        }

        Assert.DoesNotContain('{', MessageText.Encode(alert));
    }

    [Fact]
    public void A_message_is_deleted_only_after_its_mail()
    {
        AssertDeletes(s_mailing.GetProperty("Delete_message"), after: "Send_an_email");

        // The workflow deletes nothing else.
        Assert.Equal(1, Regex.Count(s_text, "\"method\": \"delete\""));
    }

    [Fact]
    public void A_message_that_can_not_be_mailed_stays_where_nothing_expires()
    {
        // The connector's only way to put a message on a queue is this request, and what it puts there expires after 7 days.
        Assert.DoesNotContain("/messages\"", s_text, StringComparison.Ordinal);
        Assert.Equal(1, Regex.Count(s_text, "\"method\": \"post\""));
        Assert.Equal("/v2/Mail", s_mailing.GetProperty("Send_an_email").GetProperty("inputs").GetProperty("path").GetString());

        // The worker's alerts never expire.
        Assert.Equal(TimeSpan.FromSeconds(-1), Documentation.Code.Value<TimeSpan>("AzureMessageQueue", "s_neverExpires"));
    }

    [Fact]
    public void A_run_with_all_retries_is_shorter_than_the_message_is_invisible()
    {
        JsonElement trigger = s_workflow.GetProperty("triggers").GetProperty("When_there_are_alerts");
        string visibility = trigger.GetProperty("inputs").GetProperty("queries").GetProperty("visibilitytimeout").GetString()!;
        int invisible = int.Parse(visibility, System.Globalization.CultureInfo.InvariantCulture);
        JsonElement retry = s_mailing.GetProperty("Send_an_email").GetProperty("inputs").GetProperty("retryPolicy");
        double pauses = retry.GetProperty("count").GetInt32() * System.Xml.XmlConvert.ToTimeSpan(retry.GetProperty("interval").GetString()!).TotalSeconds;

        // A connector cuts each of its calls off after two minutes.
        Assert.True((120 * (retry.GetProperty("count").GetInt32() + 1)) + pauses <= invisible);
    }

    [Fact]
    public void Actions_run_after_actions_that_exist_and_Bicep_gives_every_parameter()
    {
        AssertOrder(s_workflow.GetProperty("actions"));
        string bicep = File.ReadAllText(Path.Combine(Support.Repository.Root, "infra", "app", "mailer.bicep"));
        string[] declared = [.. s_workflow.GetProperty("parameters").EnumerateObject().Select(parameter => parameter.Name)];
        Assert.Equal(declared.Order(), ParameterUse().Matches(s_text).Select(match => match.Groups[1].Value).Distinct().Order());
        Assert.All(declared.Except(["$connections"]), name => Assert.Matches($@"(?m)^\s+{name}: \{{ value: ", bicep));
        Assert.All(ConnectionUse().Matches(s_text), match => Assert.Matches($@"(?m)^\s+{match.Groups[1].Value}: \{{$", bicep));
        Assert.Contains("alertQueue: { value: queueNames.alerts }", bicep, StringComparison.Ordinal);
    }

    private static readonly JsonSerializerOptions s_asWritten = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private static string Alert(decimal amount, double mean, double stdDev)
    {
        var ids = new IdCertifier("key", TimeProvider.System);
        var at = new DateTime(2026, 11, 22, 12, 0, 0, DateTimeKind.Utc);
        var anomaly = new TransactionResult
        {
            Id = ids.NewId(),
            Status = TransactionStatus.Scored,
            UserId = long.MaxValue,
            CategoryId = 2310,
            Amount = Money.FromDecimal(amount),
            ZScore = ((double)amount - mean) / stdDev,
            IsAnomaly = true,
            Reason = ScoreReason.Scored,
            Baseline = new Baseline(mean, stdDev, 40),
            OccurredAt = at,
            AcceptedAt = at,
            ScoredAt = at,
        };
        return AlertMessage.Create(anomaly, ids, "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01").Payload;
    }

    private static void AssertDeletes(JsonElement action, string after)
    {
        Assert.Equal("Succeeded", Assert.Single(action.GetProperty("runAfter").GetProperty(after).EnumerateArray()).GetString());
        JsonElement inputs = action.GetProperty("inputs");
        Assert.Equal("@triggerBody()?['PopReceipt']", inputs.GetProperty("queries").GetProperty("popreceipt").GetString());
        Assert.EndsWith(
            "/queues/@{encodeURIComponent(parameters('alertQueue'))}/messages/@{encodeURIComponent(triggerBody()?['MessageId'])}",
            inputs.GetProperty("path").GetString(),
            StringComparison.Ordinal);
    }

    private static void AssertOrder(JsonElement actions)
    {
        HashSet<string> names = [.. actions.EnumerateObject().Select(action => action.Name)];
        foreach (JsonProperty action in actions.EnumerateObject())
        {
            Assert.Subset(names, action.Value.GetProperty("runAfter").EnumerateObject().Select(before => before.Name).ToHashSet());
            if (action.Value.TryGetProperty("actions", out JsonElement then))
            {
                AssertOrder(then);
            }

            if (action.Value.TryGetProperty("else", out JsonElement otherwise))
            {
                AssertOrder(otherwise.GetProperty("actions"));
            }
        }
    }

    [GeneratedRegex(@"body\('Parse_JSON'\)\?\['(\w+)'\]")]
    private static partial Regex BodyField();

    [GeneratedRegex(@"parameters\('([$\w]+)'\)")]
    private static partial Regex ParameterUse();

    [GeneratedRegex(@"parameters\('\$connections'\)\['(\w+)'\]")]
    private static partial Regex ConnectionUse();
}
