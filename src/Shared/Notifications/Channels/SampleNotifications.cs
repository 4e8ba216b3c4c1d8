namespace FinanceIngest.Notifications.Channels;

/// <summary>Messages with which templates are tried at the start, and which <c>notify test</c> sends.</summary>
internal static class SampleNotifications
{
    private static readonly Guid s_id = new("01900000-0000-7000-8000-000000000001");

    private static readonly NotifiedAlert s_full = Alert(s_id) with
    {
        TransactionId = new Guid("01900000-0000-7000-8000-000000000002"),
        Mean = 2000,
        StdDev = 500,
        OccurredAt = new DateTime(2026, 1, 31, 12, 0, 0, DateTimeKind.Utc),
        ScoredAt = new DateTime(2026, 1, 31, 12, 0, 1, DateTimeKind.Utc),
        Detector = "adaptive/1",
        Surprise = 0.001,
        UsualLow = 1500,
        UsualHigh = 2500,
        Explanation = "A test: 3 times what you usually spend in category 2310.",
        Link = "https://finance.example/transactions/01900000-0000-7000-8000-000000000002",
    };

    /// <summary>An alert with every field.</summary>
    public static Notification Full { get; } = new(s_id, [s_full], null);

    /// <summary>Two of them.</summary>
    public static Notification FullDigest { get; } = new(s_id, [s_full, s_full], null);

    /// <summary>An alert of the older system.</summary>
    public static Notification Least { get; } = new(s_id, [Alert(s_id)], null);

    /// <summary>The message of a test.</summary>
    /// <param name="now">The time that stands in it (UTC).</param>
    public static Notification Test(DateTime now)
    {
        var id = Guid.CreateVersion7(now);
        return new Notification(id, [s_full with { AlertId = id, OccurredAt = now, ScoredAt = now, Link = null }], null);
    }

    private static NotifiedAlert Alert(Guid id) => new()
    {
        AlertId = id,
        UserId = 399,
        CategoryId = 2310,
        Amount = 6000,
        ZScore = 8,
        Payload = $$"""{"user_id":399,"category_id":2310,"amount":6000,"z_score":8.0,"alert_id":"{{id}}","test":true}""",
    };
}
