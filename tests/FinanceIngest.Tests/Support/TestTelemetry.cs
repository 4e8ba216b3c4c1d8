using System.Diagnostics.Metrics;
using FinanceIngest.Configuration;
using FinanceIngest.Observability;
using Microsoft.Extensions.DependencyInjection;

namespace FinanceIngest.Tests.Support;

/// <summary>Makes telemetry with its own meter, so that tests do not count each other's work.</summary>
internal static class TestTelemetry
{
    public static Telemetry Create(TimeProvider time) => new(
        new ServiceCollection().AddMetrics().BuildServiceProvider().GetRequiredService<IMeterFactory>(), new Settings { DataDirectory = "" }, time);
}
