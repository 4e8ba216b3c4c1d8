using System.Text.Json;
using System.Text.RegularExpressions;
using System.Web;
using FinanceIngest.Notifications.Deliveries;
using FinanceIngest.Tests.Support;

namespace FinanceIngest.Tests.Notifications;

/// <summary>The SMS gateways of docs/notifications.md: its lines, as they stand there, against a stand-in that reads what these gateways read.</summary>
public sealed partial class SmsExampleTests
{
    [Fact]
    public async Task The_lines_for_twilio_send_a_form_with_an_account()
    {
        ReceivedRequest request = await SendAsync("### SMS by Twilio", "https://api.twilio.com");

        Assert.Equal(("POST", "/2010-04-01/Accounts/ACxxxxxxxx/Messages.json"), (request.Method, request.Target));
        Assert.Equal($"Basic {Convert.ToBase64String("ACxxxxxxxx:TOKEN"u8)}", request.Headers["Authorization"]);
        Assert.Equal("application/x-www-form-urlencoded", request.Headers["Content-Type"]);
        System.Collections.Specialized.NameValueCollection form = HttpUtility.ParseQueryString(request.Text);
        Assert.Equal("To,From,Body", string.Join(",", form.AllKeys));
        Assert.Equal(("+4917012345", "+4917054321"), (form["To"], form["From"]));
        Assert.Contains("6,000", form["Body"], StringComparison.Ordinal);
        Assert.Contains("3 times the usual & \"more\"", form["Body"], StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_lines_for_vonage_send_json()
    {
        ReceivedRequest request = await SendAsync("### SMS by a gateway that takes JSON, such as Vonage", "https://rest.nexmo.com");

        Assert.Equal(("POST", "/sms/json"), (request.Method, request.Target));
        Assert.StartsWith("application/json", request.Headers["Content-Type"], StringComparison.Ordinal);
        JsonElement body = JsonDocument.Parse(request.Body).RootElement;
        Assert.Equal(
            ["api_key", "api_secret", "from", "to", "client-ref", "text"], body.EnumerateObject().Select(static field => field.Name));
        Assert.Equal(("Finance", "4917012345"), (body.GetProperty("from").GetString(), body.GetProperty("to").GetString()));
        Assert.True(Guid.TryParse(body.GetProperty("client-ref").GetString(), out _));
        Assert.Contains("3 times the usual & \"more\"", body.GetProperty("text").GetString(), StringComparison.Ordinal);
    }

    private static async Task<ReceivedRequest> SendAsync(string heading, string host)
    {
        await using HttpReceiver receiver = await HttpReceiver.StartAsync();
        (string Name, string Value)[] settings =
            [.. LinesBelow(heading).Select(line => ($"Channels__sms__{line.Name}", line.Value.Replace(host, receiver.Address, StringComparison.Ordinal)))];
        Assert.Contains(settings, setting => setting.Value.StartsWith(receiver.Address, StringComparison.Ordinal));
        await using var system = new NotifierHarness(settings);
        await system.AlertAsync(more: ""","explanation":"3 times the usual & \"more\"" """);

        await system.RunAsync();

        Assert.Equal(DeliveryState.Sent, Assert.Single(await system.Store.ListAsync(new DeliveryFilter(), 10, TestContext.Current.CancellationToken)).State);
        return Assert.Single(receiver.Requests);
    }

    // Reads "export ${P}NAME=VALUE …" as a shell does: a value stands in single quotes, or has no blank.
    private static IEnumerable<(string Name, string Value)> LinesBelow(string heading)
    {
        string page = File.ReadAllText(Path.Combine(Repository.Root, "docs", "notifications.md"));
        string section = page[page.IndexOf(heading + "\n", StringComparison.Ordinal)..];
        string block = section.Split("```")[1];
        return [.. Setting().Matches(block).Select(match => (match.Groups[1].Value, match.Groups[2].Success ? match.Groups[2].Value : match.Groups[3].Value))];
    }

    [GeneratedRegex(@"\$\{P\}([\w-]+)=(?:'([^']*)'|(\S+))")]
    private static partial Regex Setting();
}
