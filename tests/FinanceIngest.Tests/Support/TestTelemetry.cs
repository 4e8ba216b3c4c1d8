using System.Diagnostics.Metrics;
using FinanceIngest.Configuration;
using FinanceIngest.Observability;
using Microsoft.Extensions.DependencyInjection;

namespace FinanceIngest.Tests.Support;

/// <summary>Telemetry with a meter of its own.</summary>
internal static class TestTelemetry
{
    public static Telemetry Create(TimeProvider time) => new(
        new ServiceCollection().AddMetrics().BuildServiceProvider().GetRequiredService<IMeterFactory>(), new Settings { DataDirectory = "" }, time);
}
