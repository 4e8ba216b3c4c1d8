using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using FinanceIngest.Chaos.Processes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace FinanceIngest.Chaos.Receivers;

/// <summary>
/// An HTTP server that takes signed webhooks and checks their signatures with code of its own. While it is down its port is closed. Now and then it takes a
/// message and cuts the connection instead of answering, so that the sender can't know.
/// </summary>
internal sealed class WebhookReceiver(ChannelLog log, int silentOneIn, int seed) : IAsyncDisposable
{
    private readonly byte[] _secret = RandomNumberGenerator.GetBytes(32);
    private readonly int _port = ServiceProcess.FreePort();
    private readonly Random _random = new(seed);
    private WebApplication? _app;

    public ChannelLog Log => log;

    public Ambush Ambush { get; } = new();

    /// <summary>The messages that were taken and not answered.</summary>
    public int Unanswered { get; private set; }

    /// <summary>The settings of the channel.</summary>
    public IEnumerable<(string Name, string Value)> Settings =>
    [
        ("Type", "webhook"), ("Url", string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{_port}/{log.Name}")),
        ("Secret", $"whsec_{Convert.ToBase64String(_secret)}"),
    ];

    /// <summary>Opens the port.</summary>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{_port}"));
        _app = builder.Build();
        _app.Run(TakeAsync);
        await _app.StartAsync(cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        Ambush.End();
        if (_app is not null)
        {
            using var now = new CancellationTokenSource(TimeSpan.FromSeconds(1));
            await _app.StopAsync(now.Token);
            await _app.DisposeAsync();
        }
    }

    private async Task TakeAsync(HttpContext context)
    {
        using var body = new MemoryStream();
        try
        {
            await context.Request.Body.CopyToAsync(body, context.RequestAborted);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
            // The sender was killed: the message is not taken.
            return;
        }

        string id = context.Request.Headers["webhook-id"].ToString();
        if (!IsSigned(id, context.Request.Headers["webhook-timestamp"].ToString(), body.ToArray(), context.Request.Headers["webhook-signature"].ToString()))
        {
            log.Violate($"the signature of {id} is wrong");
            context.Response.StatusCode = StatusCodes.Status401Unauthorized;
            return;
        }

        log.Take(Guid.ParseExact(id, "D"), AlertsOf(body.ToArray()));
        bool isSilent;
        lock (_random)
        {
            isSilent = silentOneIn > 0 && _random.Next(silentOneIn) == 0;
            Unanswered += isSilent ? 1 : 0;
        }

        if (await Ambush.PassAsync() || isSilent)
        {
            context.Abort();
            return;
        }

        context.Response.StatusCode = StatusCodes.Status204NoContent;
    }

    private bool IsSigned(string id, string timestamp, byte[] body, string signature)
    {
        byte[] signed = [.. Encoding.UTF8.GetBytes($"{id}.{timestamp}."), .. body];
        return signature == $"v1,{Convert.ToBase64String(HMACSHA256.HashData(_secret, signed))}";
    }

    private static List<(Guid AlertId, Guid? TransactionId)> AlertsOf(byte[] body)
    {
        using JsonDocument document = JsonDocument.Parse(body);
        JsonElement data = document.RootElement.GetProperty("data");
        IEnumerable<JsonElement> alerts = document.RootElement.GetProperty("type").GetString() == "anomaly.digest"
            ? data.GetProperty("alerts").EnumerateArray()
            : [data];
        return [.. alerts.Select(alert => (alert.GetProperty("alert_id").GetGuid(), (Guid?)alert.GetProperty("transaction_id").GetGuid()))];
    }
}
