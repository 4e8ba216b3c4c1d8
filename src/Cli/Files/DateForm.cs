using System.Globalization;
using FinanceIngest.Transactions;

namespace FinanceIngest.Cli.Files;

/// <summary>
/// A written form of times: the directives <c>%Y %y %m %d %b %B %H %I %M %S %f %p %z %s %%</c> as in C's and Python's <c>strptime</c>, and text that stands for
/// itself. Names of months and <c>AM</c>, <c>PM</c> are English, in upper or lower case. Numbers of two digits may lack the leading zero, unless another
/// number stands beside them without anything between.
/// </summary>
internal sealed class DateForm
{
    private const string Known = "%Y %y %m %d %b %B %H %I %M %S %f %p %z %s %%";

    private static readonly string[] s_months =
    [
        "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december",
    ];

    private readonly List<(char Directive, char Literal)> _steps = [];

    private DateForm(string text) => Text = text;

    /// <summary>The form as it was given.</summary>
    public string Text { get; }

    /// <summary>Whether a time in this form says its own offset.</summary>
    public bool HasOffset => Has('z') || Has('s');

    /// <summary>Reads a form. Returns the problem with it, of which the option is the subject; null when there is none.</summary>
    public static string? Compile(string text, out DateForm form)
    {
        form = new DateForm(text);
        for (int i = 0; i < text.Length; i++)
        {
            if (text[i] != '%')
            {
                form._steps.Add(('\0', text[i]));
                continue;
            }

            char directive = ++i < text.Length ? text[i] : '\0';
            if (directive == '%')
            {
                form._steps.Add(('\0', '%'));
            }
            else if (directive == '\0' || !Known.Contains($"%{directive}", StringComparison.Ordinal))
            {
                return $"has %{(directive == '\0' ? "" : directive)}, which is none of {Known}";
            }
            else if (form.Has(directive))
            {
                return $"has %{directive} twice";
            }
            else
            {
                form._steps.Add((directive, '\0'));
            }
        }

        int years = form.Count("Yy");
        int months = form.Count("mbB");
        int hours = form.Count("HI");
        return form.Has('s')
            ? form._steps.Count(step => step.Directive != '\0') > 1 ? "has %s beside other directives; %s alone is the whole time" : null
            : years != 1 || months != 1 || !form.Has('d') ? "needs one year (%Y or %y), one month (%m, %b or %B) and a day (%d)"
            : hours > 1 ? "has both %H and %I"
            : form.Has('I') != form.Has('p') ? "needs %I and %p together"
            : null;
    }

    /// <summary>Reads a time. Returns the problem with it, of which the field is the subject; null when there is none.</summary>
    /// <param name="text">The trimmed text of the field.</param>
    /// <param name="zone">The zone of a time without an offset.</param>
    /// <param name="instant">The instant in UTC, in whole microseconds.</param>
    public string? Read(string text, LocalZone zone, out DateTime instant)
    {
        instant = default;
        var parts = new Parts(text);
        for (int i = 0; i < _steps.Count; i++)
        {
            bool mustBeWide = (i > 0 && IsNumber(_steps[i - 1].Directive)) || (i + 1 < _steps.Count && IsNumber(_steps[i + 1].Directive));
            if (!ReadStep(ref parts, _steps[i], mustBeWide))
            {
                return Mismatch(text, parts.At);
            }
        }

        return parts.At < text.Length ? Mismatch(text, parts.At)
            : parts.TryAssemble(zone, out instant) ? null
            : $"does not exist: \"{text}\" is read by {Text}";
    }

    private bool Has(char directive) => _steps.Exists(step => step.Directive == directive);

    private int Count(string directives) => _steps.Count(step => directives.Contains(step.Directive, StringComparison.Ordinal) && step.Directive != '\0');

    private string Mismatch(string text, int at) => at < text.Length
        ? FormattableString.Invariant($"does not have the form {Text}: it has {FieldText.NameAt(text, at)} at character {at + 1}")
        : $"does not have the form {Text}: it is cut short";

    private static bool IsNumber(char directive) => "YymdHIMSf".Contains(directive, StringComparison.Ordinal) && directive != '\0';

    private static bool ReadStep(ref Parts parts, (char Directive, char Literal) step, bool mustBeWide)
    {
        int narrow = mustBeWide ? 2 : 1;
        switch (step.Directive)
        {
            case '\0':
                return parts.TryLiteral(step.Literal);
            case 'Y':
                return parts.TryNumber(4, 4, out parts.Year);
            case 'y':
                bool isYear = parts.TryNumber(2, 2, out parts.Year);
                parts.Year += parts.Year < 69 ? 2000 : 1900;
                return isYear;
            case 'm':
                return parts.TryNumber(narrow, 2, out parts.Month);
            case 'b' or 'B':
                return parts.TryMonth(step.Directive == 'B');
            case 'd':
                return parts.TryNumber(narrow, 2, out parts.Day);
            case 'H' or 'I':
                return parts.TryNumber(narrow, 2, out parts.Hour);
            case 'M':
                return parts.TryNumber(narrow, 2, out parts.Minute);
            case 'S':
                return parts.TryNumber(narrow, 2, out parts.Second);
            case 'f':
                return parts.TryFraction();
            case 'p':
                return parts.TryHalf();
            case 'z':
                return parts.TryOffset();
            default:
                return parts.TryEpoch();
        }
    }

    private ref struct Parts(string text)
    {
        public int At;
        public int Year = 1970;
        public int Month = 1;
        public int Day = 1;
        public int Hour;
        public int Minute;
        public int Second;
        private long _fraction;
        private bool? _isAfternoon;
        private long? _offset;
        private long? _epoch;

        public bool TryLiteral(char literal)
        {
            bool fits = At < text.Length && text[At] == literal;
            At += fits ? 1 : 0;
            return fits;
        }

        public bool TryNumber(int fewest, int most, out int number)
        {
            int first = At;
            number = 0;
            while (At < text.Length && At - first < most && char.IsAsciiDigit(text[At]))
            {
                number = (number * 10) + (text[At++] - '0');
            }

            return At - first >= fewest;
        }

        public bool TryMonth(bool isWhole)
        {
            ReadOnlySpan<char> rest = text.AsSpan(At);
            for (int i = 0; i < s_months.Length; i++)
            {
                ReadOnlySpan<char> name = isWhole ? s_months[i] : s_months[i].AsSpan(0, 3);
                if (rest.StartsWith(name, StringComparison.OrdinalIgnoreCase))
                {
                    Month = i + 1;
                    At += name.Length;
                    return true;
                }
            }

            return false;
        }

        public bool TryFraction()
        {
            int first = At;
            long ticks = 0;
            while (At < text.Length && At - first < 9 && char.IsAsciiDigit(text[At]))
            {
                // Digits beyond the microsecond are cut off.
                ticks = At - first < 6 ? (ticks * 10) + (text[At] - '0') : ticks;
                At++;
            }

            for (int digits = At - first; digits < 6; digits++)
            {
                ticks *= 10;
            }

            _fraction = ticks * TimeSpan.TicksPerMicrosecond;
            return At > first;
        }

        public bool TryHalf()
        {
            ReadOnlySpan<char> rest = text.AsSpan(At);
            bool isMorning = rest.StartsWith("am", StringComparison.OrdinalIgnoreCase);
            _isAfternoon = !isMorning;
            bool fits = isMorning || rest.StartsWith("pm", StringComparison.OrdinalIgnoreCase);
            At += fits ? 2 : 0;
            return fits;
        }

        public bool TryOffset()
        {
            if (At < text.Length && text[At] is 'Z' or 'z')
            {
                At++;
                _offset = 0;
                return true;
            }

            if (At >= text.Length || text[At] is not ('+' or '-'))
            {
                return false;
            }

            int sign = text[At++] == '-' ? -1 : 1;
            if (!TryNumber(2, 2, out int hours))
            {
                return false;
            }

            int minutes = 0;
            bool hasColon = At < text.Length && text[At] == ':';
            At += hasColon ? 1 : 0;
            if ((hasColon || (At < text.Length && char.IsAsciiDigit(text[At]))) && !TryNumber(2, 2, out minutes))
            {
                return false;
            }

            // An offset that does not exist is found when the parts are put together.
            _offset = hours > 23 || minutes > 59 ? long.MaxValue : sign * ((hours * 60) + minutes) * TimeSpan.TicksPerMinute;
            return true;
        }

        public bool TryEpoch()
        {
            bool isNegative = At < text.Length && text[At] == '-';
            At += isNegative ? 1 : 0;
            int first = At;
            long seconds = 0;
            while (At < text.Length && At - first < 12 && char.IsAsciiDigit(text[At]))
            {
                seconds = (seconds * 10) + (text[At++] - '0');
            }

            _epoch = isNegative ? -seconds : seconds;
            return At > first;
        }

        public readonly bool TryAssemble(LocalZone zone, out DateTime instant)
        {
            instant = default;
            long ticks;
            if (_epoch is { } seconds)
            {
                ticks = DateTime.UnixEpoch.Ticks + (seconds * TimeSpan.TicksPerSecond);
            }
            else
            {
                if (!IsDate() || _offset == long.MaxValue)
                {
                    return false;
                }

                int hour = _isAfternoon is { } isAfternoon ? (Hour % 12) + (isAfternoon ? 12 : 0) : Hour;

                // A leap second is the first instant after it, as in the API.
                var local = new DateTime(Year, Month, Day, hour, Minute, Math.Min(Second, 59), DateTimeKind.Unspecified);
                ticks = (_offset is { } offset ? local.Ticks - offset : zone.ToUtcTicks(local)) + (Second == 60 ? TimeSpan.TicksPerSecond : _fraction);
            }

            bool exists = ticks >= DateTime.MinValue.Ticks && ticks <= DateTime.MaxValue.Ticks;
            instant = exists ? new DateTime(ticks, DateTimeKind.Utc) : default;
            return exists;
        }

        private readonly bool IsDate() =>
            Year >= 1 && Month is >= 1 and <= 12 && Day >= 1 && Day <= DateTime.DaysInMonth(Year, Month) && Minute <= 59 && Second <= 60
            && (_isAfternoon is null ? Hour <= 23 : Hour is >= 1 and <= 12);
    }
}

/// <summary>The way in which a file writes times: by a form and in a zone, or else as RFC 3339.</summary>
/// <param name="Form">The form; null for RFC 3339.</param>
/// <param name="Zone">The zone of times without an offset; null when none was given.</param>
internal sealed record TimeForm(DateForm? Form, LocalZone? Zone)
{
    /// <summary>RFC 3339.</summary>
    public static readonly TimeForm Plain = new(null, null);

    private const string Rfc3339 = "must be an RFC 3339 date and time with offset, such as 2026-01-31T12:00:00Z";

    private static readonly string[] s_clocks = [" %H:%M", "T%H:%M", " %H:%M:%S", "T%H:%M:%S", " %H:%M:%S.%f", "T%H:%M:%S.%f"];
    private static readonly DateForm[] s_local = [Iso(""), .. s_clocks.Select(Iso)];

    // ISO 8601 has more ways to write an offset than RFC 3339, and databases use them: +01, +0100, a time without seconds.
    private static readonly DateForm[] s_global = [.. s_clocks.Select(clock => Iso($"{clock}%z"))];

    /// <summary>Whether times have neither an offset nor a zone of their own, so that UTC is assumed.</summary>
    public bool AssumesUtc => Form is { HasOffset: false } && Zone is null;

    /// <summary>
    /// Reads a time, and gives it as RFC 3339: as it stands if it is that already, otherwise in UTC. Returns the problem, a phrase of which the field is the
    /// subject; null when there is none.
    /// </summary>
    public string? Read(string text, out string time)
    {
        time = "";
        if (text.Length > FieldText.LongestValue)
        {
            return "is longer than 1,000 characters";
        }

        if (Form is not null)
        {
            string? problem = Form.Read(text, Zone ?? LocalZone.Utc, out DateTime instant);
            time = problem is null ? Write(instant) : "";
            return problem;
        }

        if (Timestamp.TryParseRfc3339(text, out _))
        {
            time = text;
            return null;
        }

        foreach (DateForm form in s_global)
        {
            if (form.Read(text, LocalZone.Utc, out DateTime global) is null)
            {
                time = Write(global);
                return null;
            }
        }

        DateForm? local = Array.Find(s_local, form => form.Read(text, LocalZone.Utc, out _) is null);
        if (local is null)
        {
            return $"{Rfc3339}; --date-format says how another form is written";
        }

        if (Zone is null)
        {
            return $"{Rfc3339}; --time-zone says in which zone a time without offset was written";
        }

        string? late = local.Read(text, Zone, out DateTime read);
        time = late is null ? Write(read) : "";
        return late;
    }

    private static string Write(DateTime instant) => instant.ToString(
        instant.Ticks % TimeSpan.TicksPerSecond == 0 ? "yyyy-MM-dd'T'HH:mm:ss'Z'" : "yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", CultureInfo.InvariantCulture);

    private static DateForm Iso(string time) =>
        DateForm.Compile($"%Y-%m-%d{time}", out DateForm form) is null ? form : throw new InvalidOperationException(time);
}
