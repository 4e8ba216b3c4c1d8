using System.Text.Json;
using Azure.Storage.Queues;
using FinanceIngest.Bench.Plain;

// The upper bound of any intake on this web server: it parses the same bodies, keeps nothing, and answers as many bytes as the service does
// to a single transaction. With --queue NAME, and PLAIN_QUEUES in the environment as the connection string, it puts a message with the transaction on that
// queue before it answers: the simplest intake that is durable.
byte[] answer = JsonSerializer.SerializeToUtf8Bytes(new { id = Guid.Empty, status = "pending", status_url = $"/api/transactions/{Guid.Empty}" });

WebApplicationBuilder builder = WebApplication.CreateSlimBuilder(args);
builder.Logging.SetMinimumLevel(LogLevel.Warning).AddFilter("Microsoft.Hosting.Lifetime", LogLevel.Information);
builder.Logging.AddConsole(options => options.LogToStandardErrorThreshold = LogLevel.Trace);
builder.WebHost.ConfigureKestrel(kestrel => kestrel.Limits.MaxRequestBodySize = null);
await using WebApplication app = builder.Build();

QueueClient? queue = app.Configuration["queue"] is { Length: > 0 } name
    ? new QueueClient(app.Configuration["PLAIN_QUEUES"], name, new QueueClientOptions { MessageEncoding = QueueMessageEncoding.Base64 })
    : null;

app.Run(async context =>
{
    if (context.Request.Path.Value!.EndsWith("/batch", StringComparison.Ordinal))
    {
        await JsonSerializer.DeserializeAsync(context.Request.Body, PlainJson.Default.PlainTransactionArray, context.RequestAborted);
    }
    else
    {
        PlainTransaction? transaction =
            await JsonSerializer.DeserializeAsync(context.Request.Body, PlainJson.Default.PlainTransaction, context.RequestAborted);
        if (queue is not null)
        {
            await queue.SendMessageAsync(
                JsonSerializer.Serialize(transaction!, PlainJson.Default.PlainTransaction), timeToLive: TimeSpan.FromSeconds(-1),
                cancellationToken: context.RequestAborted);
        }
    }

    context.Response.StatusCode = StatusCodes.Status202Accepted;
    context.Response.ContentType = "application/json";
    context.Response.ContentLength = answer.Length;
    await context.Response.Body.WriteAsync(answer, context.RequestAborted);
});
await app.RunAsync();
