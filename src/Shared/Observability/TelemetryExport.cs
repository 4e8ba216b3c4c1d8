using System.Reflection;
using Azure.Core;
using Azure.Identity;
using Azure.Monitor.OpenTelemetry.Exporter;
using FinanceIngest.Configuration;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using OpenTelemetry.Logs;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace FinanceIngest.Observability;

/// <summary>Exports traces, metrics and logs. Logs also go to standard error.</summary>
public static class TelemetryExport
{
    private const string Otlp = "OTEL_EXPORTER_OTLP_ENDPOINT";
    private const string AzureMonitor = "APPLICATIONINSIGHTS_CONNECTION_STRING";

    /// <summary>
    /// Exports by OTLP when <c>OTEL_EXPORTER_OTLP_ENDPOINT</c> is set, and to Azure Monitor when <c>APPLICATIONINSIGHTS_CONNECTION_STRING</c> is set. When
    /// neither
    /// is set, nothing is registered. OpenTelemetry's other standard variables apply too. Azure Monitor gets a token of <see cref="DefaultAzureCredential"/>
    /// when
    /// <c>AZURE_CLIENT_ID</c> names an identity.
    /// </summary>
    /// <param name="services">The program's services.</param>
    /// <param name="configuration">The program's configuration.</param>
    /// <param name="serviceName">The program's name, unless <c>OTEL_SERVICE_NAME</c> gives another.</param>
    /// <param name="requests">Adds the spans of the program's HTTP server.</param>
    /// <exception cref="SettingsException">The address or the connection string is wrong.</exception>
    public static IServiceCollection AddTelemetryExport(
        this IServiceCollection services, IConfiguration configuration, string serviceName, Action<TracerProviderBuilder>? requests = null)
    {
        bool otlp = ReadOtlp(configuration[Otlp]);
        string? azureMonitor = ReadAzureMonitor(configuration[AzureMonitor]);
        if (!otlp && azureMonitor is null)
        {
            return services;
        }

        // Azure Monitor may accept tokens only, so the process uses its identity when it has one.
        TokenCredential? credential = string.IsNullOrWhiteSpace(configuration["AZURE_CLIENT_ID"]) ? null : new DefaultAzureCredential();
        services.AddOpenTelemetry()
            .ConfigureResource(resource => Describe(resource, serviceName))
            .WithTracing(tracing =>
            {
                tracing.AddSource(Telemetry.Name);
                requests?.Invoke(tracing);
                if (otlp)
                {
                    tracing.AddOtlpExporter();
                }

                if (azureMonitor is not null)
                {
                    tracing.AddAzureMonitorTraceExporter(options => options.ConnectionString = azureMonitor, credential);
                }
            })
            .WithMetrics(metrics =>
            {
                metrics.AddMeter(Telemetry.Name, "Microsoft.AspNetCore.Hosting", "Microsoft.AspNetCore.Server.Kestrel").AddRuntimeInstrumentation();
                if (otlp)
                {
                    metrics.AddOtlpExporter();
                }

                if (azureMonitor is not null)
                {
                    metrics.AddAzureMonitorMetricExporter(options => options.ConnectionString = azureMonitor, credential);
                }
            })
            .WithLogging(
                logging =>
                {
                    if (otlp)
                    {
                        logging.AddOtlpExporter();
                    }

                    if (azureMonitor is not null)
                    {
                        logging.AddAzureMonitorLogExporter(options => options.ConnectionString = azureMonitor, credential);
                    }
                },

                // Exports the finished text of each entry, as the runbook quotes it; by default only its template is exported.
                options => options.IncludeFormattedMessage = true);
        return services;
    }

    // OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES are applied last, so that they win. The instance is always set here, because without it the counters of
    // several replicas would be taken for one counter.
    private static void Describe(ResourceBuilder resource, string serviceName) => resource
        .AddService(
            serviceName,
            serviceNamespace: "finance-ingest",
            serviceVersion: typeof(Telemetry).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion,
            serviceInstanceId: Environment.MachineName)
        .AddEnvironmentVariableDetector();

    private static bool ReadOtlp(string? value) =>
        !string.IsNullOrWhiteSpace(value)
        && (Uri.TryCreate(value, UriKind.Absolute, out Uri? uri) && uri.Scheme is "http" or "https"
            ? true
            : throw new SettingsException(Otlp, $"'{value}' is not an address such as http://localhost:4317."));

    private static string? ReadAzureMonitor(string? value) =>
        string.IsNullOrWhiteSpace(value) ? null
        : value.Contains("InstrumentationKey=", StringComparison.OrdinalIgnoreCase) ? value
        : throw new SettingsException(AzureMonitor, "not a connection string of Application Insights (InstrumentationKey=…;IngestionEndpoint=…).");
}
