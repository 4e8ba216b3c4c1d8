using System.Globalization;
using FinanceIngest.Chaos.Processes;
using FinanceIngest.Chaos.Receivers;
using FinanceIngest.Chaos.Storage;

namespace FinanceIngest.Chaos.Scenarios;

/// <summary>
/// A server that scores, two notifiers, and the receivers of four channels: signed webhooks that are up, webhooks that are down, digests, and mail. It kills
/// the notifiers, copies alerts on their queue, and audits what the receivers took.
/// </summary>
internal sealed class NotifierInstallation : IAsyncDisposable
{
    private const string AtRandom = "at random";
    private const string PoisonQueue = Installation.AlertQueue + "-poison";

    private static readonly string[] s_points =
    [
        "alerts.receive.after", "deliveries.add.before", "deliveries.add.after", "alerts.delete.before", "alerts.delete.after", "channel.claim.after",
        "messages.assemble.before", "messages.assemble.after", "messages.read.after", "deliveries.settle.before", "deliveries.settle.after",
        "channel.release.before", "channel.release.after", "alert-poison.send.before", "alert-poison.send.after",
    ];

    private static readonly string[] s_dispatcherPoints = ["alerts.send.after", "alerts.mark.before", "alerts.mark.after"];

    // Longer than a lease and a claim, and than the minute in which a digest gathers.
    private static readonly TimeSpan s_leap = TimeSpan.FromSeconds(61);

    private readonly Run _run;
    private readonly WebhookReceiver _up;
    private readonly WebhookReceiver _down;
    private readonly WebhookReceiver _digests;
    private readonly MailReceiver _mail = new(new ChannelLog("mail"));
    private readonly Dictionary<ServiceProcess, Task<bool>> _starting = [];
    private readonly SortedDictionary<string, int> _kills = new(StringComparer.Ordinal);
    private readonly HashSet<string> _unreadable = new(StringComparer.Ordinal);
    private readonly List<ServiceProcess> _notifiers = [];
    private TimeSpan _ahead;
    private int _copies;

    public NotifierInstallation(Run run)
    {
        _run = run;
        _up = new WebhookReceiver(new ChannelLog("up"), silentOneIn: 40, run.Options.Seed);
        _down = new WebhookReceiver(new ChannelLog("down"), silentOneIn: 0, run.Options.Seed);
        _digests = new WebhookReceiver(new ChannelLog("digests"), silentOneIn: 10, run.Options.Seed);
        Dictionary<string, string> settings = run.Fleet.Settings;
        settings["FinanceIngest__Polling__MaximumSeconds"] = "0.1";
        if (run.Options.Storage != StorageKind.Embedded)
        {
            settings["FinanceIngest__Notify__ConsumeAlertQueue"] = "true";
        }

        (string, IEnumerable<(string, string)>)[] channels =
        [
            ("up", _up.Settings), ("down", _down.Settings), ("digests", [.. _digests.Settings, ("DigestMinutes", "1")]), ("mail", _mail.Settings),
        ];
        foreach ((string channel, IEnumerable<(string, string)> values) in channels)
        {
            foreach ((string name, string value) in values)
            {
                settings[$"FinanceIngest__Notify__Channels__{channel}__{name}"] = value;
            }
        }

        Server = run.Fleet.AddServer("server", "intake,scorer,dispatcher");
    }

    /// <summary>The intake, scorer and dispatcher.</summary>
    public ServiceProcess Server { get; }

    private IEnumerable<ChannelLog> Logs => [_up.Log, _down.Log, _digests.Log, _mail.Log];

    /// <summary>Starts the server and the receivers that are up.</summary>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        await _up.StartAsync(cancellationToken);
        await _digests.StartAsync(cancellationToken);
        await _run.Fleet.StartAsync(cancellationToken);
    }

    /// <summary>Starts the notifiers.</summary>
    public async Task StartNotifiersAsync(CancellationToken cancellationToken)
    {
        _notifiers.Add(_run.Fleet.AddNotifier("notifier-1"));
        _notifiers.Add(_run.Fleet.AddNotifier("notifier-2"));
        await _run.Fleet.StartAsync(cancellationToken);
    }

    /// <summary>
    /// Kills processes and starts them again, most of them at a named point, and puts copies and unreadable texts on the alert queue meanwhile.
    /// </summary>
    public async Task KillAsync(int kills, CancellationToken cancellationToken)
    {
        Random random = _run.Random;
        for (int kill = 1; kill <= kills; kill++)
        {
            await CopyAsync(random.Next(1, 6), cancellationToken);
            string where;
            if (random.Next(6) == 0)
            {
                where = await KillMachineAsync(random.Next(3), cancellationToken);
            }
            else
            {
                ServiceProcess victim = random.Next(8) == 0 ? Server : _notifiers[random.Next(_notifiers.Count)];
                await ReadyAsync(victim);
                string[] points = victim == Server ? s_dispatcherPoints : s_points;
                where = await KillAsync(victim, random.Next(3) == 0 ? AtRandom : points[random.Next(points.Length)], cancellationToken);
                Restart(victim, cancellationToken);
            }

            _kills[where] = _kills.GetValueOrDefault(where) + 1;
            _run.Say($"kill {kill}: {where}; {string.Join(", ", Logs.Select(log => $"{log.Name} {log.Count}"))}");

            // Now and then the leases and claims of the killed notifier end by themselves.
            if (random.Next(5) > 0)
            {
                Leap(s_leap);
            }
        }

        bool[] started = await Task.WhenAll(_starting.Values);
        _run.Audit.Check(Array.TrueForAll(started, ready => ready), "every killed process starts again");
    }

    /// <summary>
    /// Waits until the channels that are up have everything while one is still down, then brings that one up an hour later, and audits.
    /// </summary>
    public async Task FinishAsync(TimeSpan patience, CancellationToken cancellationToken)
    {
        await _run.Clients.StopAsync(cancellationToken);
        _run.Say($"{_run.Ledger.Count} transactions are acknowledged; waiting for them to settle");
        await _run.Audit.SettleAsync(patience, cancellationToken);
        HashSet<Guid> alerts = [.. new Rows(_run.Installation).Alerts().Select(alert => alert.AlertId)];
        _run.Say($"{alerts.Count} alerts");

        // Copies make the notifiers look at once. Digests that gather become due a minute later.
        Leap(s_leap);
        await CopyAsync(3, cancellationToken);
        bool isUnhindered = await Patience.UntilAsync(
            () => Task.FromResult(_up.Log.Count >= alerts.Count && _digests.Log.Count >= alerts.Count && _mail.Log.Count >= alerts.Count),
            patience, cancellationToken);
        _run.Audit.Check(
            isUnhindered && _down.Log.Messages == 0,
            $"a channel that is down holds up no other: with 0 of {alerts.Count} alerts delivered by it, up had {_up.Log.Count}, digests {_digests.Log.Count} "
                + $"and mail {_mail.Log.Count}");

        await _down.StartAsync(cancellationToken);
        Leap(TimeSpan.FromHours(1));
        foreach (ServiceProcess notifier in _notifiers)
        {
            await notifier.KillAsync();
            notifier.Start();
            await notifier.ReadyAsync(cancellationToken);
        }

        _run.Say("the channel is up again, an hour later");
        await Patience.UntilAsync(() => Task.FromResult(_down.Log.Count >= alerts.Count), patience, cancellationToken);
        await AuditAsync(alerts, cancellationToken);
        await _run.Feed.StopAsync(_run.Ledger.Count, patience, cancellationToken);
        foreach ((Guid alert, Guid transaction) in _up.Log.Transactions)
        {
            _run.Mail.Take(alert, transaction);
        }

        await _run.Audit.CheckHealthyAsync(_run.Feed.Seen, cancellationToken);
        _run.Tell(
            $"{alerts.Count} alerts, {_copies} copies put on their queue, {_kills.Values.Sum()} kills: "
                + $"{string.Join(", ", _kills.Select(kill => $"{kill.Value} {kill.Key}"))}.");
        _run.Tell($"{_up.Unanswered + _digests.Unanswered} messages were taken by a receiver that cut the connection instead of answering.");
    }

    public async ValueTask DisposeAsync()
    {
        await _up.DisposeAsync();
        await _down.DisposeAsync();
        await _digests.DisposeAsync();
        await _mail.DisposeAsync();
    }

    private async Task AuditAsync(HashSet<Guid> alerts, CancellationToken cancellationToken)
    {
        var rows = new Rows(_run.Installation);
        long wanted = (long)alerts.Count * Logs.Count();
        bool isSettled = await Patience.UntilAsync(() => Task.FromResult(rows.Deliveries("sent") == wanted), TimeSpan.FromMinutes(1), cancellationToken);
        long all = rows.Deliveries(null);
        _run.Audit.Check(
            isSettled && all == wanted, $"every delivery is one row, and sent: {alerts.Count} alerts by {Logs.Count()} channels, {all} rows, "
                + $"{rows.Deliveries("sent")} sent");
        foreach (ChannelLog log in Logs)
        {
            HashSet<Guid> taken = log.Alerts;
            int lost = alerts.Count(alert => !taken.Contains(alert));
            int strangers = taken.Count(alert => !alerts.Contains(alert));
            string example = log.Violations is [{ } first, ..] ? $"; {log.Violations.Count} violations, such as: {first}" : "";
            _run.Audit.Check(
                lost == 0 && strangers == 0 && log.Violations.Count == 0,
                $"{log.Name}: {taken.Count} alerts in {log.Messages} messages, each id once for a receiver that understands ids; {lost} lost, "
                    + $"{strangers} of no transaction; {log.Again} messages came again under their id{example}");
        }

        long left = await _run.Installation.Queue(Installation.AlertQueue).LengthAsync(cancellationToken);
        bool hasMarker = _run.Options.Storage != StorageKind.Embedded;
        _run.Audit.Check(hasMarker ? left <= _notifiers.Count + _kills.Values.Sum() : left == 0, $"the alert queue is empty: {left} messages"
            + (hasMarker ? " (delayed markers of notifiers that were killed may be left)" : ""));
        IReadOnlyList<string> poison = await _run.Installation.Queue(PoisonQueue).TakeAllAsync(cancellationToken);
        _run.Audit.Check(
            _unreadable.SetEquals(poison),
            $"every unreadable message is on {PoisonQueue}, verbatim: {_unreadable.Count} texts, {poison.Count} messages");
    }

    // The queue gives some alerts again, as a queue may, and one message that is no alert.
    private async Task CopyAsync(int copies, CancellationToken cancellationToken)
    {
        IQueueView queue = _run.Installation.Queue(Installation.AlertQueue);
        var rows = new Rows(_run.Installation);
        foreach (Guid alert in _up.Log.Alerts.Take(copies))
        {
            if (rows.AlertPayload(alert) is { } payload)
            {
                await queue.SendAsync(Convert.ToBase64String(System.Text.Encoding.UTF8.GetBytes(payload)), cancellationToken);
                _copies++;
            }
        }

        string text = string.Create(CultureInfo.InvariantCulture, $"no alert, {_unreadable.Count}");
        _unreadable.Add(text);
        await queue.SendAsync(text, cancellationToken);
    }

    /// <summary>Kills both notifiers at once, as the end of a machine does, while a receiver has a message of theirs and has not answered.</summary>
    private async Task<string> KillMachineAsync(int which, CancellationToken cancellationToken)
    {
        foreach (ServiceProcess notifier in _notifiers)
        {
            await ReadyAsync(notifier);
        }

        (string name, Ambush ambush) = which switch { 0 => ("up", _up.Ambush), 1 => ("digests", _digests.Ambush), _ => ("mail", _mail.Ambush) };
        Task taken = ambush.Begin();
        if (which == 1)
        {
            Leap(s_leap);
        }

        bool isTaken = await Task.WhenAny(taken, Task.Delay(TimeSpan.FromSeconds(6), cancellationToken)) == taken;
        await Task.WhenAll(_notifiers.Select(notifier => notifier.KillAsync()));
        ambush.End();
        _notifiers.ForEach(notifier => Restart(notifier, cancellationToken));
        return isTaken ? $"both notifiers with a message at {name}" : "both notifiers at random";
    }

    private async Task<string> KillAsync(ServiceProcess victim, string point, CancellationToken cancellationToken)
    {
        int hits = victim.Hits.Count;
        if (point == AtRandom)
        {
            await Task.Delay(_run.Random.Next(1000), cancellationToken);
        }
        else
        {
            if (point.StartsWith("messages.assemble", StringComparison.Ordinal))
            {
                Leap(s_leap);
            }

            victim.Wish("kill", point);
            await victim.EndsAsync(TimeSpan.FromSeconds(6), cancellationToken);
            victim.Wish("kill", null);
        }

        await victim.KillAsync();
        return victim.Hits.Count > hits ? victim.Hits[^1] : AtRandom;
    }

    // Moves the notifiers' clocks: what waits for a time is due, and claims and leases of killed notifiers have ended.
    private void Leap(TimeSpan time)
    {
        _ahead += time;
        _notifiers.ForEach(notifier => notifier.Wish("clock", _ahead.TotalSeconds.ToString(CultureInfo.InvariantCulture)));
    }

    private async Task ReadyAsync(ServiceProcess process)
    {
        if (_starting.TryGetValue(process, out Task<bool>? start))
        {
            await start;
        }
    }

    private void Restart(ServiceProcess process, CancellationToken cancellationToken)
    {
        process.Start();
        _starting[process] = process.ReadyAsync(cancellationToken);
    }
}
