using System.Text.Encodings.Web;
using FinanceIngest.Configuration;
using FinanceIngest.Ground;
using FinanceIngest.Transactions;
using Fluid;
using Fluid.Values;

namespace FinanceIngest.Notifications.Channels;

/// <summary>
/// The texts of a channel's messages, made from templates in Liquid: those of its settings, or else those of the older system's mail. A template can neither
/// read files nor run for ever.
/// </summary>
internal sealed class MessageTexts
{
    private const int MostSteps = 200_000;
    private const int LongestSubject = 200;
    private const int LongestText = 60_000;

    private static readonly FluidParser s_parser = new();

    private readonly ChannelSettings _channel;
    private readonly IFluidTemplate _subject;
    private readonly IFluidTemplate _text;
    private readonly IFluidTemplate _html;
    private readonly IFluidTemplate? _url;
    private readonly IFluidTemplate? _body;
    private readonly Dictionary<string, IFluidTemplate> _headers;
    private readonly Func<string, string> _escape;

    /// <summary>Reads a channel's templates, and tries them with an alert that has every field and with one that has the least.</summary>
    /// <exception cref="SettingsException">A template can't be read, or names something that there is not.</exception>
    public MessageTexts(ChannelSettings channel)
    {
        _channel = channel;
        bool isMail = channel.Type == ChannelType.Smtp;

        // Slack takes these three characters for the beginning of markup: https://docs.slack.dev/messaging/formatting-message-text#escaping
        _escape = channel.Type == ChannelType.Slack ? EscapeForSlack : static text => text;
        _subject = Parse("Subject", channel.Subject ?? DefaultTexts.Subject);
        _text = Parse("Text", channel.Text ?? (isMail ? DefaultTexts.Mail : DefaultTexts.Short));
        _html = Parse("Html", channel.Html ?? DefaultTexts.Html);
        bool isRequest = channel.Type == ChannelType.Http;
        _url = isRequest ? Parse("Url", channel.Url!) : null;
        _body = channel.Body is { } body ? Parse("Body", body) : null;
        _headers = channel.Headers.ToDictionary(header => header.Key, header => Parse($"Headers__{header.Key}", header.Value));
        Check(SampleNotifications.Full, isStrict: true);
        Check(SampleNotifications.FullDigest, isStrict: true);
        Check(SampleNotifications.Least, isStrict: false);
    }

    /// <summary>The subject or title: one line.</summary>
    public string Subject(Notification notification) => SafeText.Cut(SafeText.Line(Render(_subject, notification, NullEncoder.Default).Trim()), LongestSubject);

    /// <summary>The text.</summary>
    public string Text(Notification notification) => SafeText.Cut(Render(_text, notification, NullEncoder.Default).Trim(), LongestText);

    /// <summary>The HTML, in which values are encoded.</summary>
    public string Html(Notification notification) => Render(_html, notification, HtmlEncoder.Default);

    /// <summary>The address of a request; it has the host of the setting.</summary>
    public string Url(Notification notification) => Render(_url!, notification, NullEncoder.Default, withTexts: true).Trim();

    /// <summary>The body of a request; null: it has none.</summary>
    public string? Body(Notification notification) => _body is null ? null : Render(_body, notification, NullEncoder.Default, withTexts: true);

    /// <summary>The headers of a request: one line each.</summary>
    public IEnumerable<KeyValuePair<string, string>> Headers(Notification notification) =>
        _headers.Select(header => KeyValuePair.Create(header.Key, SafeText.Line(Render(header.Value, notification, NullEncoder.Default, withTexts: true))));

    private static string EscapeForSlack(string text) => text
        .Replace("&", "&amp;", StringComparison.Ordinal)
        .Replace("<", "&lt;", StringComparison.Ordinal)
        .Replace(">", "&gt;", StringComparison.Ordinal);

    private static TemplateOptions NewOptions(bool isStrict) => new()
    {
        StrictVariables = isStrict,
        StrictFilters = true,
        MaxSteps = MostSteps,
        MaxRecursion = 20,
        CultureInfo = System.Globalization.CultureInfo.InvariantCulture,
        TimeZone = TimeZoneInfo.Utc,
    };

    private IFluidTemplate Parse(string setting, string text) =>
        s_parser.TryParse(text, out IFluidTemplate template, out string error) ? template : throw Wrong(setting, error);

    private SettingsException Wrong(string setting, string problem) =>
        new($"FinanceIngest__Notify__Channels__{_channel.Name}__{setting}", $"not a template in Liquid: {SafeText.Cut(SafeText.Line(problem), 300)}");

    private void Check(Notification sample, bool isStrict)
    {
        Try("Subject", _subject);
        Try("Text", _text);
        Try("Html", _html);
        Try("Url", _url);
        Try("Body", _body);
        foreach ((string name, IFluidTemplate template) in _headers)
        {
            Try($"Headers__{name}", template);
        }

        void Try(string setting, IFluidTemplate? template)
        {
            try
            {
                if (template is not null)
                {
                    Render(template, sample, NullEncoder.Default, withTexts: setting is not ("Subject" or "Text" or "Html"), isStrict: isStrict);
                }
            }
            catch (Exception e) when (e is not SettingsException)
            {
                // Fluid names the class of an unknown member in place of its name.
                bool isUnknown = e.Message.Contains("Undefined variable 'Fluid.", StringComparison.Ordinal);
                throw Wrong(setting, isUnknown ? $"it asks an alert for something other than {string.Join(", ", Model(sample.Alerts[0]).Keys)}." : e.Message);
            }
        }
    }

    private string Render(IFluidTemplate template, Notification notification, TextEncoder encoder, bool withTexts = false, bool isStrict = false)
    {
        var context = new TemplateContext(NewOptions(isStrict));
        FluidValue[] alerts = [.. notification.Alerts.Select(alert => new DictionaryValue(new FluidValueDictionaryFluidIndexable(Model(alert))))];
        context.SetValue("id", new StringValue(notification.Id.ToString("D")));
        context.SetValue("channel", new StringValue(_channel.Name));
        context.SetValue("currency", new StringValue(_channel.Currency));
        context.SetValue("count", NumberValue.Create(notification.Alerts.Count));
        context.SetValue("alerts", new ArrayValue(alerts));
        context.SetValue("alert", alerts[0]);
        if (withTexts)
        {
            context.SetValue("subject", new StringValue(Subject(notification)));
            context.SetValue("text", new StringValue(Text(notification)));
        }

        return template.Render(context, encoder);
    }

    // Every name is always there, and nil where the alert has no value.
    private Dictionary<string, FluidValue> Model(NotifiedAlert alert) => new()
    {
        ["alert_id"] = new StringValue(alert.AlertId.ToString("D")),
        ["transaction_id"] = TextOf(alert.TransactionId?.ToString("D")),
        ["user_id"] = NumberValue.Create(alert.UserId),
        ["category_id"] = NumberValue.Create(alert.CategoryId),
        ["amount"] = NumberValue.Create(alert.Amount),
        ["z_score"] = NumberOf(alert.ZScore),
        ["mean"] = NumberOf(alert.Mean),
        ["std_dev"] = NumberOf(alert.StdDev),
        ["occurred_at"] = TextOf(alert.OccurredAt is { } occurred ? Timestamp.ToText(occurred) : null),
        ["scored_at"] = TextOf(alert.ScoredAt is { } scored ? Timestamp.ToText(scored) : null),
        ["detector"] = TextOf(alert.Detector),
        ["surprise"] = NumberOf(alert.Surprise),
        ["usual_low"] = NumberOf(alert.UsualLow),
        ["usual_high"] = NumberOf(alert.UsualHigh),
        ["explanation"] = TextOf(alert.Explanation),
        ["link"] = TextOf(alert.Link),
    };

    private FluidValue TextOf(string? text) => text is null ? NilValue.Instance : new StringValue(_escape(text));

    // A number beyond a decimal's range is shown as text: Liquid counts in decimals.
    private static FluidValue NumberOf(double? number) =>
        number is not { } value ? NilValue.Instance
        : Math.Abs(value) < 1e27 ? NumberValue.Create((decimal)value)
        : new StringValue(value.ToString("R", System.Globalization.CultureInfo.InvariantCulture));
}
