using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using FinanceIngest.Notifications.Deliveries;
using FinanceIngest.Queueing;

namespace FinanceIngest.Tests.Notifications;

/// <summary>Alerts go from their queue to real receivers.</summary>
public sealed class SendingTests
{
    [Fact]
    public async Task A_webhook_is_signed_as_standard_webhooks_says_and_has_the_alerts_id()
    {
        await using HttpReceiver receiver = await HttpReceiver.StartAsync();
        await using var system = new NotifierHarness(
            [.. NotifierHarness.Webhook("django", $"{receiver.Address}/hook"), ("LinkTemplate", "https://finance.example/t/{transaction_id}")]);
        Guid id = (await system.AlertAsync(more: ""","surprise":0.001,"explanation":"3 times the usual","future":[1]"""))[0];

        await system.RunAsync();

        ReceivedRequest request = Assert.Single(receiver.Requests);
        Assert.Equal("POST /hook", $"{request.Method} {request.Target}");
        Assert.Equal(id.ToString("D"), request.Headers["webhook-id"]);
        string timestamp = request.Headers["webhook-timestamp"];
        Assert.Equal(system.Time.GetUtcNow().ToUnixTimeSeconds().ToString(System.Globalization.CultureInfo.InvariantCulture), timestamp);
        byte[] signed = Encoding.UTF8.GetBytes($"{id:D}.{timestamp}.{request.Text}");
        Assert.Equal(
            $"v1,{Convert.ToBase64String(HMACSHA256.HashData(Convert.FromBase64String(NotifierHarness.Secret["whsec_".Length..]), signed))}",
            request.Headers["webhook-signature"]);
        JsonElement body = JsonDocument.Parse(request.Body).RootElement;
        Assert.Equal("anomaly.detected", body.GetProperty("type").GetString());
        Assert.Equal("2026-01-31T12:00:00.000000Z", body.GetProperty("timestamp").GetString());
        JsonElement data = body.GetProperty("data");
        Assert.Equal(id, data.GetProperty("alert_id").GetGuid());
        Assert.Equal("https://finance.example/t/0192f3a4-0000-7000-8000-000000000001", data.GetProperty("link").GetString());
        Assert.Equal("[1]", data.GetProperty("future").GetRawText());
        Assert.Equal(0, (await system.Alerts.GetDepthAsync(default)).Length);
        Assert.Equal(DeliveryState.Sent, Assert.Single(await system.Store.ListAsync(new DeliveryFilter(), 10, default)).State);
    }

    [Fact]
    public async Task A_mail_says_what_the_older_systems_said_in_text_and_html()
    {
        await using var server = new SmtpSink();
        await using var system = new NotifierHarness(NotifierHarness.Mail("mail", server.Port, ("To", "family@home.example, bank@home.example")));
        Guid id = (await system.AlertAsync(more: ""","explanation":"3 times <the> usual","link":"https://finance.example/t/1" """))[0];

        await system.RunAsync();

        ReceivedMail mail = Assert.Single(server.Mails);
        Assert.Equal(["family@home.example", "bank@home.example"], mail.Receivers);
        Assert.Equal("Anomaly Detected in Finance Tracker", mail.Message.Subject);
        Assert.Equal("\"Finance Tracker\" <alerts@finance.example>", mail.Message.From.ToString());
        Assert.Equal(id.ToString("D"), mail.Message.Headers["X-Alert-Id"]);
        Assert.StartsWith($"{id:D}.", mail.Message.MessageId, StringComparison.Ordinal);
        Assert.Equal(
            """
            An unusual transaction was detected.

            3 times <the> usual
            User ID: 399
            Category ID: 2310
            Amount: ₹6,000
            Z-score: 8.0
            Baseline: mean ₹2,000, standard deviation ₹500
            Occurred at: 2026-01-31T12:00:00.000000Z
            https://finance.example/t/1

            Please review this transaction.
            """,
            mail.Message.TextBody!.ReplaceLineEndings("\n").TrimEnd(), ignoreLineEndingDifferences: true);
        Assert.Contains("<p>3 times &lt;the&gt; usual</p>", mail.Message.HtmlBody, StringComparison.Ordinal);
        Assert.Contains("""<a href="https://finance.example/t/1">""", mail.Message.HtmlBody, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("starttls", false)]
    [InlineData("tls", true)]
    public async Task A_mail_goes_by_an_encrypted_connection_with_an_account(string security, bool isTls)
    {
        await using var server = new SmtpSink(isTls);
        await using var system = new NotifierHarness(NotifierHarness.Mail(
            "mail", server.Port, ("Security", security), ("User", "finance"), ("Password", "secret word")));
        await system.AlertAsync(3);

        await system.RunAsync();

        Assert.Equal(3, server.Mails.Count);
        Assert.All(server.Mails, mail => Assert.True(mail.WasSecure));
        Assert.Equal("PLAIN \0finance\0secret word", Assert.Single(server.Proofs));
        Assert.Equal(1, server.Connections);
    }

    [Fact]
    public async Task A_token_from_a_file_proves_the_account_and_is_read_for_each_connection()
    {
        await using var server = new SmtpSink();
        string file = Path.GetTempFileName();
        await using var system = new NotifierHarness(NotifierHarness.Mail(
            "mail", server.Port, ("Security", "starttls"), ("User", "finance@home.example"), ("Token__File", file)));
        foreach (string token in new[] { "first", "second" })
        {
            await File.WriteAllTextAsync(file, $"{token}\n", TestContext.Current.CancellationToken);
            await system.AlertAsync();
            await system.RunAsync();
        }

        File.Delete(file);
        Assert.Equal(2, server.Mails.Count);
        Assert.Equal(
            ["XOAUTH2 user=finance@home.example\u0001auth=Bearer first\u0001\u0001", "XOAUTH2 user=finance@home.example\u0001auth=Bearer second\u0001\u0001"],
            server.Proofs);
    }

    [Fact]
    public async Task A_server_without_starttls_gets_no_mail_where_it_is_wanted()
    {
        await using var server = new SmtpSink { OffersTls = false };
        await using var system = new NotifierHarness(NotifierHarness.Mail("mail", server.Port, ("Security", "starttls")));
        await system.AlertAsync();

        await system.RunAsync();

        Assert.Empty(server.Mails);
        DeliveryRecord waiting = Assert.Single(await system.Store.ListAsync(new DeliveryFilter(), 10, default));
        Assert.Equal(DeliveryState.Waiting, waiting.State);
        Assert.Contains("STARTTLS", waiting.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_alert_that_comes_twice_is_told_once()
    {
        await using HttpReceiver receiver = await HttpReceiver.StartAsync();
        await using var server = new SmtpSink();
        await using var system = new NotifierHarness([.. NotifierHarness.Webhook("django", receiver.Address), .. NotifierHarness.Mail("mail", server.Port)]);
        string text = MessageText.Encode(NotifierHarness.Alert(Guid.NewGuid()));
        for (int i = 0; i < 3; i++)
        {
            await system.Alerts.SendAsync(text, TimeSpan.Zero, default);
            await system.Alerts.SendAsync(text, TimeSpan.Zero, default);
            await system.RunAsync();
        }

        Assert.Single(receiver.Requests);
        Assert.Single(server.Mails);
    }

    [Fact]
    public async Task An_attempt_that_has_ended_leaves_no_timer_behind_and_one_that_hangs_is_cut_off()
    {
        await using HttpReceiver receiver = await HttpReceiver.StartAsync();
        await using var system = new NotifierHarness(NotifierHarness.Webhook("django", receiver.Address));
        await system.AlertAsync();
        await system.RunAsync();
        system.Time.Advance(TimeSpan.FromMinutes(1));
        Assert.Single(receiver.Taken);

        using var hang = new SemaphoreSlim(0);
        receiver.Write = async context =>
        {
            if (receiver.Requests.Count == 2)
            {
                hang.Release();
                await Task.Delay(Timeout.Infinite, context.RequestAborted);
            }
        };
        await system.AlertAsync();
        Task run = system.RunAsync();
        await hang.WaitAsync(TestContext.Current.CancellationToken);
        system.Time.Advance(TimeSpan.FromSeconds(10));
        await run;

        DeliveryRecord waiting = (await system.Store.ListAsync(new DeliveryFilter(), 10, default))[0];
        Assert.Equal((DeliveryState.Waiting, "No answer within 10 s."), (waiting.State, waiting.Error));
    }

    [Theory]
    [InlineData("!!! neither")]
    [InlineData("[1]")]
    [InlineData("{\"user_id\":0,\"category_id\":1,\"amount\":1,\"z_score\":1}")]
    [InlineData("{\"user_id\":1,\"category_id\":1,\"amount\":\"1\",\"z_score\":1}")]
    [InlineData("{\"user_id\":1,\"category_id\":1,\"amount\":1}")]
    public async Task An_alert_that_cant_be_read_goes_to_the_poison_queue_verbatim_and_holds_up_no_other(string text)
    {
        await using HttpReceiver receiver = await HttpReceiver.StartAsync();
        await using var system = new NotifierHarness(NotifierHarness.Webhook("django", receiver.Address));
        await system.Alerts.SendAsync(text, TimeSpan.Zero, default);
        await system.AlertAsync();

        await system.RunAsync();

        Assert.Equal([text], await system.Poison.PeekAsync(32, default));
        Assert.Single(receiver.Requests);
        Assert.Equal(0, (await system.Alerts.GetDepthAsync(default)).Length);
    }

    [Fact]
    public async Task The_older_systems_alert_is_told_under_an_id_that_its_redelivery_has_again()
    {
        await using HttpReceiver receiver = await HttpReceiver.StartAsync();
        await using var server = new SmtpSink();
        await using var system = new NotifierHarness([.. NotifierHarness.Webhook("django", receiver.Address), .. NotifierHarness.Mail("mail", server.Port)]);
        await system.Alerts.SendAsync("""{"user_id": 399, "category_id": 2310, "amount": 6000.5, "z_score": 8}""", TimeSpan.Zero, default);
        system.Alerts.OnDelete = () => Task.FromResult(false);
        NotifierHarness.Process process = system.NewProcess();
        await process.TakeAllAsync();
        system.Alerts.OnDelete = () => null;
        system.Time.Advance(TimeSpan.FromMinutes(1));

        await system.RunAsync();

        Assert.Single(receiver.Requests);
        Assert.Contains("Amount: ₹6,000.5\n", Assert.Single(server.Mails).Message.TextBody!.ReplaceLineEndings("\n"), StringComparison.Ordinal);
        Assert.Contains("Baseline: not given\nOccurred at: not given", server.Mails[0].Message.TextBody!.ReplaceLineEndings("\n"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Slack_and_teams_get_the_forms_that_they_take()
    {
        await using HttpReceiver receiver = await HttpReceiver.StartAsync();
        await using var system = new NotifierHarness(
            ("Channels__slack__Type", "slack"), ("Channels__slack__Url", $"{receiver.Address}/slack"),
            ("Channels__teams__Type", "teams"), ("Channels__teams__Url", $"{receiver.Address}/teams"));
        await system.AlertAsync(more: ""","explanation":"<!channel> & more","link":"https://finance.example/t/1" """);

        await system.RunAsync();

        JsonElement slack = JsonDocument.Parse(receiver.Requests.Single(request => request.Target == "/slack").Body).RootElement;
        Assert.Equal(
            "*Anomaly Detected in Finance Tracker*\n&lt;!channel&gt; &amp; more ₹6,000 in category 2310 of user 399 https://finance.example/t/1",
            slack.GetProperty("text").GetString());
        JsonElement card = JsonDocument.Parse(receiver.Requests.Single(request => request.Target == "/teams").Body).RootElement
            .GetProperty("attachments")[0].GetProperty("content");
        Assert.Equal("AdaptiveCard", card.GetProperty("type").GetString());
        Assert.Equal("https://finance.example/t/1", card.GetProperty("actions")[0].GetProperty("url").GetString());
    }

    [Fact]
    public async Task An_sms_gateway_is_asked_as_the_templates_say()
    {
        await using HttpReceiver receiver = await HttpReceiver.StartAsync();
        await using var system = new NotifierHarness(
            ("Channels__sms__Type", "http"), ("Channels__sms__Url", receiver.Address + "/sms?to={{ alert.user_id }}&ref={{ id | url_encode }}"),
            ("Channels__sms__Headers__Content-Type", "application/x-www-form-urlencoded"), ("Channels__sms__Headers__X-Ref", "{{ id }}"),
            ("Channels__sms__User", "sid"), ("Channels__sms__Password", "token"), ("Channels__sms__Text", "Spent {{ alert.amount }} & more"),
            ("Channels__sms__Body", "To=%2B4917&Body={{ text | url_encode }}"));
        Guid id = (await system.AlertAsync())[0];

        await system.RunAsync();

        ReceivedRequest request = Assert.Single(receiver.Requests);
        Assert.Equal($"/sms?to=399&ref={id:D}", request.Target);
        Assert.Equal("To=%2B4917&Body=Spent+6000+%26+more", request.Text);
        Assert.Equal($"Basic {Convert.ToBase64String("sid:token"u8)}", request.Headers["Authorization"]);
        Assert.Equal("application/x-www-form-urlencoded", request.Headers["Content-Type"]);
        Assert.Equal(id.ToString("D"), request.Headers["X-Ref"]);
    }

    [Fact]
    public async Task One_receiver_that_a_server_refuses_keeps_the_mail_from_no_other()
    {
        await using var server = new SmtpSink { OnReceiver = address => address.StartsWith("gone", StringComparison.Ordinal) ? "550 no such user" : "250 OK" };
        await using var system = new NotifierHarness(NotifierHarness.Mail("mail", server.Port, ("To", "gone@home.example,family@home.example")));
        await system.AlertAsync();

        await system.RunAsync();

        Assert.Equal(["family@home.example"], Assert.Single(server.Mails).Receivers);
        DeliveryRecord sent = Assert.Single(await system.Store.ListAsync(new DeliveryFilter(), 10, default));
        Assert.Equal((DeliveryState.Sent, "The mail server refused 1 of 2 receivers."), (sent.State, sent.Error));
    }
}
