using System.Diagnostics;
using FinanceIngest.Composition;
using FinanceIngest.Configuration;
using FinanceIngest.Hosting;
using FinanceIngest.Observability;
using FinanceIngest.Scoring.Isolation;
using FinanceIngest.Transactions;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace FinanceIngest.KestrelHead;

/// <summary>A program on Kestrel: what IngestServer and ScoringWorker have in common, from the arguments to the exit code.</summary>
public static class KestrelProgram
{
    /// <summary>Runs the program until it is stopped; the exit code is one of <see cref="ProgramHost"/>'s.</summary>
    /// <param name="args">The program's arguments.</param>
    /// <param name="program">Which program this is, which decides on what storage it may run.</param>
    /// <param name="serviceName">The program's name in traces, metrics and logs.</param>
    /// <param name="defaultPort">The port on loopback that it listens on unless an address is set.</param>
    /// <param name="addServices">Adds what this program has beyond health endpoints and the roles in its settings.</param>
    public static Task<int> RunAsync(
        string[] args, ProgramKind program, string serviceName, int defaultPort, Action<IServiceCollection, Settings>? addServices = null)
    {
        ProgramThreads.Prepare();
        return ScoringChild.IsWanted(args)
            ? ScoringChildProgram.RunAsync(args, program)
            : ProgramHost.RunAsync(async () =>
            {
                SettingsReader.CheckArguments(args);
                WebApplicationBuilder builder = WebApplication.CreateSlimBuilder(ProgramHost.Arguments(args));
                Settings settings = SettingsReader.Read(builder.Configuration, program);
                builder.Logging.LogToStandardError(builder.Configuration);
                ListenAddresses.Configure(builder, settings, defaultPort);
                builder.Services.AddSingleton<DistributedContextPropagator, TracePropagator>();
                builder.Services.AddTelemetryExport(builder.Configuration, serviceName, ApiHead.AddRequestSpans);
                builder.Services.AddFinanceIngest(settings);
                addServices?.Invoke(builder.Services, settings);
                builder.Services.AddApi(settings);
                builder.Services.AddBackgroundRoles(settings);

                await using WebApplication app = builder.Build();

                DataDirectoryReport.Write(app.Services, settings);

                // A signing key that can't be read, or a file that this program can't use, ends it before it listens. A notifier alone issues no id, and
                // has no key.
                if (settings.Roles != Roles.Notifier)
                {
                    _ = app.Services.GetRequiredService<IdCertifier>();
                }

                await EmbeddedFiles.CheckAsync(settings, TimeProvider.System, CancellationToken.None);
                app.UseApi(settings);
                ProgramEnd end = app.Services.GetRequiredService<ProgramEnd>();
                await ListenAddresses.StartAsync(app);
                await app.WaitForShutdownAsync();
                end.ThrowIfCaused();
            });
    }
}
