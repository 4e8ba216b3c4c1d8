using System.Text.Json;
using FinanceIngest.Bench.Plain;

// The older design: a request is answered when its transaction is scored and stored, with one select, one insert and one commit for each.
// Options: --database PATH, or PLAIN_SQL in the environment.
WebApplicationBuilder builder = WebApplication.CreateSlimBuilder(args);
builder.Logging.SetMinimumLevel(LogLevel.Warning).AddFilter("Microsoft.Hosting.Lifetime", LogLevel.Information);
builder.Logging.AddConsole(options => options.LogToStandardErrorThreshold = LogLevel.Trace);
await using WebApplication app = builder.Build();

using IPlainStore store = PlainStore.Open(app.Configuration[PlainStore.SqlSetting], app.Configuration["database"]);

app.Run(async context =>
{
    PlainTransaction transaction = (await JsonSerializer.DeserializeAsync(context.Request.Body, PlainJson.Default.PlainTransaction, context.RequestAborted))!;
    PlainScore score = (await store.WriteAsync([transaction]))[0];

    context.Response.ContentType = "application/json";
    byte[] body = JsonSerializer.SerializeToUtf8Bytes(new Answer(score.ZScore, score.IsAnomaly), AnswerJson.Default.Answer);
    context.Response.ContentLength = body.Length;
    await context.Response.Body.WriteAsync(body, context.RequestAborted);
});
await app.RunAsync();
