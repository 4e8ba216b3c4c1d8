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

/// <summary>Where traces, metrics and logs go, besides standard error.</summary>
public static class TelemetryExport
{
    private const string Otlp = "OTEL_EXPORTER_OTLP_ENDPOINT";
    private const string AzureMonitor = "APPLICATIONINSIGHTS_CONNECTION_STRING";

    /// <summary>
    /// Exports by OTLP when <c>OTEL_EXPORTER_OTLP_ENDPOINT</c> is set, to Azure Monitor when <c>APPLICATIONINSIGHTS_CONNECTION_STRING</c> is,
    /// to both when both are. Without either nothing is registered. OpenTelemetry's other standard variables hold too. Azure Monitor gets a token
    /// of <see cref="DefaultAzureCredential"/> where <c>AZURE_CLIENT_ID</c> names an identity.
    /// </summary>
    /// <param name="services">The program's services.</param>
    /// <param name="configuration">Its configuration.</param>
    /// <param name="serviceName">Its name, unless <c>OTEL_SERVICE_NAME</c> gives another.</param>
    /// <param name="requests">Adds the spans of the program's HTTP server.</param>
    /// <exception cref="SettingsException">One of the two is wrong.</exception>
    public static IServiceCollection AddTelemetryExport(
        this IServiceCollection services, IConfiguration configuration, string serviceName, Action<TracerProviderBuilder>? requests = null)
    {
        bool otlp = ReadOtlp(configuration[Otlp]);
        string? azureMonitor = ReadAzureMonitor(configuration[AzureMonitor]);
        if (!otlp && azureMonitor is null)
        {
            return services;
        }

        // Where the process has an identity, Azure Monitor may refuse everything else.
        TokenCredential? credential = string.IsNullOrWhiteSpace(configuration["AZURE_CLIENT_ID"]) ? null : new DefaultAzureCredential();
        services.AddOpenTelemetry()
            .ConfigureResource(resource => Describe(resource, serviceName))
            .WithTracing(tracing =>
            {
                tracing.AddSource(Telemetry.Name);
                requests?.Invoke(tracing);
                _ = otlp ? tracing.AddOtlpExporter() : tracing;
                _ = azureMonitor is null ? tracing : tracing.AddAzureMonitorTraceExporter(options => options.ConnectionString = azureMonitor, credential);
            })
            .WithMetrics(metrics =>
            {
                metrics.AddMeter(Telemetry.Name, "Microsoft.AspNetCore.Hosting", "Microsoft.AspNetCore.Server.Kestrel").AddRuntimeInstrumentation();
                _ = otlp ? metrics.AddOtlpExporter() : metrics;
                _ = azureMonitor is null ? metrics : metrics.AddAzureMonitorMetricExporter(options => options.ConnectionString = azureMonitor, credential);
            })
            .WithLogging(
                logging =>
                {
                    _ = otlp ? logging.AddOtlpExporter() : logging;
                    _ = azureMonitor is null ? logging : logging.AddAzureMonitorLogExporter(options => options.ConnectionString = azureMonitor, credential);
                },

                // Lines as they stand on standard error, which is how the runbook names them. Without it they would arrive as their templates.
                options => options.IncludeFormattedMessage = true);
        return services;
    }

    // OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES come last and win. A name alone must not cost the instance: without it the counters of several replicas would be one.
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
