using FinanceIngest.Bench.Plain;
using FinanceIngest.Bench.QueueTriggerHost;
using Microsoft.Azure.WebJobs;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

// The usual alternative to the worker: QueueTrigger of the WebJobs SDK, which is the engine of Azure Functions.
// Options: --mode nothing|score, --inbound QUEUE, --alerts QUEUE, --database PATH (score only; or PLAIN_SQL in the environment), and AzureWebJobsStorage in
// the environment.
using IHost host = new HostBuilder()
    .ConfigureAppConfiguration(configuration => configuration.AddEnvironmentVariables().AddCommandLine(args))
    .ConfigureWebJobs(webJobs => webJobs.AddAzureStorage(queues =>
    {
        // The largest batch that the SDK allows; it receives more as soon as half of the batch is done.
        queues.BatchSize = 32;
        queues.NewBatchThreshold = 16;
        queues.MaxPollingInterval = TimeSpan.FromMilliseconds(100);
    }))
    .ConfigureLogging(logging => logging.SetMinimumLevel(LogLevel.Warning).AddConsole(options => options.LogToStandardErrorThreshold = LogLevel.Trace))
    .ConfigureServices((context, services) =>
    {
        bool scores = context.Configuration["mode"] == "score";
        services.AddSingleton<ITypeLocator>(new OneFunction(scores ? typeof(ScoreTrigger) : typeof(NothingTrigger)));
        if (scores)
        {
            services.AddSingleton(PlainStore.Open(context.Configuration[PlainStore.SqlSetting], context.Configuration["database"]));
            services.AddSingleton<ScoreTrigger>();
        }
    })
    .Build();

await host.StartAsync();
await Console.Error.WriteLineAsync("Now listening on: the queue");
await host.WaitForShutdownAsync();
