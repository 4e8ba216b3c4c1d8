using System.Globalization;
using System.Net.Sockets;
using System.Text;
using FinanceIngest.Chaos.Processes;
using FinanceIngest.Chaos.Storage;

namespace FinanceIngest.Chaos.Scenarios;

/// <summary>Opens hundreds of connections that stop in the middle of a request or an answer, and never close, beside a steady load.</summary>
internal sealed class SlowClients : IScenario
{
    private const int OfEachKind = 100;
    private const long MaximumMegabytes = 512;
    private const string Batch =
        "POST /api/transactions/batch HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 16000000\r\n\r\n";
    private const string Results = "GET /api/results?limit=1000 HTTP/1.1\r\nHost: localhost\r\n\r\n";

    public string Name => "slow-clients";

    public string Description => "hundreds of connections that stop in headers, bodies and answers, beside a steady load";

    public async Task RunAsync(Run run, CancellationToken cancellationToken)
    {
        ServiceProcess intake = run.Fleet.AddIntake("intake");
        run.Fleet.AddWorker("worker");
        await run.Fleet.StartAsync(cancellationToken);
        await run.StartLoadAsync(cancellationToken);
        var rows = new Rows(run.Installation);
        await Patience.ForAsync("there are 2,000 rows to answer with", () => Task.FromResult(rows.Count() > 2000), TimeSpan.FromMinutes(2), cancellationToken);
        int handles = ProcessFigures.Of(intake).Handles;
        (int acknowledged, long refusals) = (run.Ledger.Count, run.Ledger.Refusals);

        List<TcpClient> clients = [];
        try
        {
            await OpenAsync("GET /healthz HTTP/1.1\r\nHost: loc", 0);
            await OpenAsync(Batch, 0);
            await OpenAsync(Batch, 1024 * 1024);
            await OpenAsync(string.Concat(Enumerable.Repeat(Results, 20)), 0);
            run.Say($"{clients.Count} clients stand still");
            int most = ProcessFigures.Of(intake).Handles;

            // The clients keep their connections open, so it is the server that closes them.
            await Patience.ForAsync(
                "the server has closed the connections",
                () => Task.FromResult(ProcessFigures.Of(intake).Handles < handles + 20),
                TimeSpan.FromMinutes(2),
                cancellationToken);
            run.Say("the server has closed all of these connections");
            var figures = ProcessFigures.Of(intake);
            run.Tell(string.Create(
                CultureInfo.InvariantCulture,
                $"{clients.Count} clients that stood still: {handles} handles before, {most} with them, {figures.Handles} after the server closed them; "
                    + $"at most {figures.PeakMegabytes} MB; {run.Ledger.Count - acknowledged} transactions acknowledged meanwhile, "
                    + $"{run.Ledger.Refusals - refusals} refused."));
            run.Audit.Check(
                run.Ledger.Count > acknowledged && run.Ledger.Refusals == refusals,
                $"good requests are acknowledged meanwhile: {run.Ledger.Count - acknowledged}, refused {run.Ledger.Refusals - refusals}");
            run.Audit.Check(most > handles + 100, $"the connections were open: {most} handles");
            run.Audit.Check(figures.PeakMegabytes < MaximumMegabytes, $"the intake's memory is bounded: {figures.PeakMegabytes} MB");
        }
        finally
        {
            clients.ForEach(client => client.Dispose());
        }

        await run.FinishAsync(cancellationToken);

        async Task OpenAsync(string head, int bytes)
        {
            for (int i = 0; i < OfEachKind; i++)
            {
                // The small window keeps most of an answer on the server's side.
                var client = new TcpClient { ReceiveBufferSize = 4096 };
                clients.Add(client);
                await client.ConnectAsync(intake.Address.Host, intake.Address.Port, cancellationToken);
                await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(head), cancellationToken);
                await client.GetStream().WriteAsync(new byte[bytes], cancellationToken);
            }
        }
    }
}
