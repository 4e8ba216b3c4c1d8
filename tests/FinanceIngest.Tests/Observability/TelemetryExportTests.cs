using FinanceIngest.Configuration;
using FinanceIngest.Observability;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using OpenTelemetry;
using OpenTelemetry.Logs;
using OpenTelemetry.Metrics;
using OpenTelemetry.Trace;

namespace FinanceIngest.Tests.Observability;

public sealed class TelemetryExportTests
{
    private const string AzureMonitor = "InstrumentationKey=00000000-0000-0000-0000-000000000000;IngestionEndpoint=http://127.0.0.1:9/";

    [Fact]
    public void Nothing_is_registered_unless_it_is_asked_for() => Assert.Empty(new ServiceCollection().AddTelemetryExport(Configuration(), "test"));

    [Theory]
    [InlineData("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")]
    [InlineData("APPLICATIONINSIGHTS_CONNECTION_STRING", AzureMonitor)]
    [InlineData("APPLICATIONINSIGHTS_CONNECTION_STRING", AzureMonitor, "AZURE_CLIENT_ID", "00000000-0000-0000-0000-000000000000")]
    public void What_is_asked_for_exports_traces_and_metrics(params string[] settings)
    {
        ServiceCollection services = [];
        services.AddLogging();
        using ServiceProvider provider = services.AddTelemetryExport(Configuration(settings), "test").BuildServiceProvider();

        Assert.NotNull(provider.GetRequiredService<TracerProvider>());
        Assert.NotNull(provider.GetRequiredService<MeterProvider>());
    }

    [Fact]
    public void Log_lines_are_exported_as_they_read()
    {
        ServiceCollection services = [];
        services.AddTelemetryExport(Configuration("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9"), "test");
        using ServiceProvider provider = services.BuildServiceProvider();

        Assert.True(provider.GetRequiredService<IOptionsMonitor<OpenTelemetryLoggerOptions>>().CurrentValue.IncludeFormattedMessage);
    }

    [Theory]
    [InlineData("test")]
    [InlineData("mine", "OTEL_SERVICE_NAME", "mine")]
    [InlineData("test", "OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=night")]
    public void A_name_of_the_operators_does_not_cost_the_instance(string name, params string[] environment)
    {
        ServiceCollection services = [];
        services.AddSingleton(Configuration(environment));
        services.AddTelemetryExport(Configuration("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9"), "test");
        using ServiceProvider provider = services.BuildServiceProvider();
        Dictionary<string, object> resource = provider.GetRequiredService<TracerProvider>().GetResource().Attributes.ToDictionary();

        Assert.Equal(name, resource["service.name"]);
        Assert.Equal(Environment.MachineName, resource["service.instance.id"]);
        Assert.Equal(environment.Contains("OTEL_RESOURCE_ATTRIBUTES"), resource.ContainsKey("deployment.environment.name"));
    }

    [Theory]
    [InlineData("OTEL_EXPORTER_OTLP_ENDPOINT", "localhost:4317")]
    [InlineData("APPLICATIONINSIGHTS_CONNECTION_STRING", "a key")]
    public void A_wrong_one_is_named(string setting, string value) => Assert.Equal(
        setting, Assert.Throws<SettingsException>(() => new ServiceCollection().AddTelemetryExport(Configuration(setting, value), "test")).Setting);

    private static IConfiguration Configuration(params string[] settings) => new ConfigurationBuilder()
        .AddInMemoryCollection(settings.Chunk(2).Select(pair => KeyValuePair.Create(pair[0], (string?)pair[1]))).Build();
}
