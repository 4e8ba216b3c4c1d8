using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Runtime.InteropServices;
using System.Text.Json;
using FinanceIngest.Bench.Delay;

// Adds distance to a server on this machine. Arguments: HOST PORT ROUND-TRIP, the last in microseconds. SIGTERM ends it with one line of JSON that says how
// precise it was and how much processor time it took.
if (args is not [var host, var portText, var roundTripText]
    || !int.TryParse(portText, NumberStyles.None, CultureInfo.InvariantCulture, out int port)
    || !int.TryParse(roundTripText, NumberStyles.None, CultureInfo.InvariantCulture, out int microseconds))
{
    await Console.Error.WriteLineAsync("Usage: DelayProxy HOST PORT ROUND-TRIP (in microseconds)");
    return 2;
}

IPAddress[] addresses = await Dns.GetHostAddressesAsync(host);
using var proxy = new DelayProxy(new IPEndPoint(addresses[0], port), TimeSpan.FromMicroseconds(microseconds), new KernelClock());
var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
using PosixSignalRegistration terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, End);
using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, End);
await Console.Error.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"Now listening on: tcp://127.0.0.1:{proxy.Port}"));
await ended.Task;
await Console.Error.WriteLineAsync(JsonSerializer.Serialize(new
{
    pieces = proxy.Lateness.Count,
    connections = proxy.Connections,
    late_us_median = proxy.Lateness.PercentileMicroseconds(50),
    late_us_p99 = proxy.Lateness.PercentileMicroseconds(99),
    late_us_highest = proxy.Lateness.HighestMicroseconds,
    processor_seconds = Process.GetCurrentProcess().TotalProcessorTime.TotalSeconds,
}));
return 0;

void End(PosixSignalContext context)
{
    context.Cancel = true;
    ended.TrySetResult();
}
