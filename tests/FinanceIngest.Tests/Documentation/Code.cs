using System.Globalization;
using System.Reflection;

namespace FinanceIngest.Tests.Documentation;

/// <summary>Returns figures from the code, for comparison with the pages that state them.</summary>
internal static class Code
{
    private static readonly Assembly[] s_programs =
    [
        typeof(FinanceIngest.Http.BearerTokens).Assembly,
        typeof(FinanceIngest.KestrelHead.ListenAddresses).Assembly,
        typeof(FinanceIngest.Cli.Running.CliHost).Assembly,
    ];

    /// <summary>Returns a constant or a static field, private ones included. Only the type's name is given, so the type may move between folders.</summary>
    public static T Value<T>(string type, string member)
    {
        Type[] types = [.. s_programs.SelectMany(program => program.GetTypes()).Where(candidate => candidate.Name == type)];
        FieldInfo? field = types.Length == 1 ? types[0].GetField(member, BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic) : null;
        Assert.True(field is not null, $"A page states the figure of {type}.{member}, which is not there: name the constant that has it now.");
        return (T)Convert.ChangeType(field.IsLiteral ? field.GetRawConstantValue()! : field.GetValue(null)!, typeof(T), CultureInfo.InvariantCulture);
    }

    /// <summary>Returns a static field of type <see cref="TimeSpan"/> in seconds.</summary>
    public static int Seconds(string type, string member) => Whole(Value<TimeSpan>(type, member).TotalSeconds);

    /// <summary>Formats a number as the pages write it: 10,000.</summary>
    public static string Number(long value) => value.ToString("N0", CultureInfo.InvariantCulture);

    /// <summary>Formats a size as the pages write it: 64 KiB, 16 MiB.</summary>
    public static string Size(double bytes)
    {
        const int kibi = 1024;
        return bytes % (kibi * kibi) == 0 ? $"{Whole(bytes / kibi / kibi)} MiB" : $"{Whole(bytes / kibi)} KiB";
    }

    /// <summary>Writes a number from 0 to 10 as a word, as the pages do in prose.</summary>
    public static string Word(int value) => new[] { "no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten" }[value];

    /// <summary>Returns the value as a whole number. A value with a fraction fails the test, because a page must not round a figure.</summary>
    public static int Whole(double value)
    {
        Assert.Equal(value, Math.Round(value));
        return (int)value;
    }
}
