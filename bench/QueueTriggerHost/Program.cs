using FinanceIngest.Bench.Plain;
using FinanceIngest.Bench.QueueTriggerHost;
using Microsoft.Azure.WebJobs;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

// What a user would pick instead: the WebJobs SDK's QueueTrigger (the engine of Azure Functions).
// --mode nothing|score, --inbound QUEUE, --alerts QUEUE, --database PATH (score only); AzureWebJobsStorage in the environment.
using IHost host = new HostBuilder()
    .ConfigureAppConfiguration(configuration => configuration.AddEnvironmentVariables().AddCommandLine(args))
    .ConfigureWebJobs(webJobs => webJobs.AddAzureStorage(queues =>
    {
        // The most that the SDK allows at once; it asks for more as soon as half of it is done.
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
            services.AddSingleton(new PlainDatabase(context.Configuration["database"]!));
            services.AddSingleton<ScoreTrigger>();
        }
    })
    .Build();

await host.StartAsync();
await Console.Error.WriteLineAsync("Now listening on: the queue");
await host.WaitForShutdownAsync();
