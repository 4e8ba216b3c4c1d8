using System.Globalization;
using System.Text;

namespace FinanceIngest.Fuzz.Engine;

/// <summary>
/// Makes new inputs from known ones by changing bytes, numbers, strings, lines and nesting, and by inserting pieces of other inputs. The same random
/// numbers make
/// the same inputs.
/// </summary>
/// <param name="random">The random numbers.</param>
/// <param name="tokens">Texts of the target's grammar.</param>
/// <param name="longest">The longest input, in bytes.</param>
internal sealed class Mutator(Random random, IReadOnlyList<string> tokens, int longest)
{
    private static readonly string[] s_numbers =
    [
        "0", "-0", "1", "-1", "00", "01", "0.0", "-0.0", ".5", "5.", "1e0", "1E+2", "1e-4", "1e-5", "10e-5", "1e9999", "1e-9999", "1e99999", "0e0",
        "0.00010", "0.00001", "123.45670000",
        "922337203685477.5807", "-922337203685477.5807", "922337203685477.5808", "9223372036854775807", "9223372036854775808", "-9223372036854775808",
        "18446744073709551615",
        "18446744073709551616", "2147483647", "2147483648", "4294967295", "1.7976931348623157e308", "1.8e308", "5e-324", "4.9e-325", "NaN", "Infinity",
        "-Infinity", "inf", "nan", "1_000", "1,000",
        "0x10", "+1", "１", "1000000000000000000000000000000000000000e-38", "0.00000000000000000000000000000000000001e38",
        "99999999999999999999999999999999999999", "59", "60", "23", "24", "31", "9999",
    ];

    private static readonly string[] s_strings =
    [
        "", "\\u0000", "\\ud800", "\\udc00", "\\ud83d\\ude00", "\\u002e", "\\\"", "\\\\", "\\/", "\\n", "\\x41", "é", "\uFEFF", "😀", "\u2028", "\u202e",
        "\0", " ", "\t", "null", "true", "2026-01-31T12:00:00Z",
        "2026-02-29T24:00:00+23:59", "0001-01-01T00:00:00+00:01", "9999-12-31T23:59:60Z", "2026-01-31t12:00:00.1234567890z", "2016-12-31T23:59:60.5-08:00",
    ];

    /// <summary>Returns a changed input.</summary>
    /// <param name="parent">The input that is changed.</param>
    /// <param name="other">The input from which pieces are taken.</param>
    public byte[] Mutate(byte[] parent, byte[] other)
    {
        List<byte> bytes = [.. parent];
        for (int changes = 1 << random.Next(5); changes > 0; changes--)
        {
            Change(bytes, other);
            if (bytes.Count > longest)
            {
                bytes.RemoveRange(longest, bytes.Count - longest);
            }
        }

        return [.. bytes];
    }

    private void Change(List<byte> bytes, byte[] other)
    {
        switch (random.Next(16))
        {
            case 0 when bytes.Count > 0:
                bytes[random.Next(bytes.Count)] ^= (byte)(1 << random.Next(8));
                break;
            case 1 when bytes.Count > 0:
                bytes[random.Next(bytes.Count)] = (byte)random.Next(256);
                break;
            case 2:
                bytes.Insert(At(bytes), (byte)random.Next(256));
                break;
            case 3 when bytes.Count > 0:
                Remove(bytes);
                break;
            case 4 when bytes.Count > 0:
                Repeat(bytes, random.Next(4) == 0 ? random.Next(2, 200) : 1);
                break;
            case 5 when bytes.Count > 0:
                int cut = random.Next(bytes.Count);
                bytes.RemoveRange(cut, bytes.Count - cut);
                break;
            case 6 when other.Length > 0:
                Splice(bytes, other);
                break;
            case 7 or 8 when tokens.Count > 0:
                Insert(bytes, tokens[random.Next(tokens.Count)]);
                break;
            case 9 when tokens.Count > 0:
                Replace(bytes, tokens[random.Next(tokens.Count)]);
                break;
            case 10 or 11:
                ReplaceNumber(bytes);
                break;
            case 12:
                ReplaceString(bytes);
                break;
            case 13:
                ChangeLines(bytes);
                break;
            case 14:
                Nest(bytes);
                break;
            default:
                Overwrite(bytes);
                break;
        }
    }

    private int At(List<byte> bytes) => random.Next(bytes.Count + 1);

    private void Insert(List<byte> bytes, string text) => bytes.InsertRange(At(bytes), Encoding.UTF8.GetBytes(text));

    private void Replace(List<byte> bytes, string text)
    {
        Remove(bytes);
        Insert(bytes, text);
    }

    private void Remove(List<byte> bytes)
    {
        int from = At(bytes);
        bytes.RemoveRange(from, Math.Min(random.Next(1, 1 << random.Next(1, 8)), bytes.Count - from));
    }

    private void Repeat(List<byte> bytes, int times)
    {
        int from = random.Next(bytes.Count);
        List<byte> piece = bytes.GetRange(from, Math.Min(random.Next(1, 1 << random.Next(1, 8)), bytes.Count - from));
        for (; times > 0 && bytes.Count < longest; times--)
        {
            bytes.InsertRange(from, piece);
        }
    }

    private void Splice(List<byte> bytes, byte[] other)
    {
        int from = random.Next(other.Length);
        bytes.InsertRange(At(bytes), other[from..Math.Min(other.Length, from + random.Next(1, 1 << random.Next(2, 10)))]);
    }

    private void ReplaceNumber(List<byte> bytes)
    {
        (int from, int to) = Run(bytes, b => b is (>= (byte)'0' and <= (byte)'9') or (byte)'.' or (byte)'-' or (byte)'e' or (byte)'E' or (byte)'+');
        bytes.RemoveRange(from, to - from);
        bytes.InsertRange(from, Encoding.UTF8.GetBytes(Number()));
    }

    private string Number() => random.Next(4) switch
    {
        0 => random.NextInt64(long.MinValue, long.MaxValue).ToString(CultureInfo.InvariantCulture),
        1 => Digits(random.Next(1, 40)) + "." + Digits(random.Next(1, 8))
            + (random.Next(2) == 0 ? "" : "e" + random.Next(-45, 45).ToString(CultureInfo.InvariantCulture)),
        2 => Digits(random.Next(1, 30)).TrimStart('0') + new string('0', random.Next(60)) + "e-" + random.Next(60).ToString(CultureInfo.InvariantCulture),
        _ => s_numbers[random.Next(s_numbers.Length)],
    };

    private string Digits(int count) => string.Create(count, random, static (span, random) =>
    {
        foreach (ref char c in span)
        {
            c = (char)('0' + random.Next(10));
        }
    });

    private void ReplaceString(List<byte> bytes)
    {
        int open = Find(bytes, (byte)'"');
        int close = open < 0 ? -1 : bytes.IndexOf((byte)'"', open + 1);
        byte[] text = Encoding.UTF8.GetBytes(random.Next(8) == 0 ? new string('x', random.Next(600)) : s_strings[random.Next(s_strings.Length)]);
        if (close < 0)
        {
            bytes.InsertRange(At(bytes), [(byte)'"', .. text, (byte)'"']);
        }
        else if (random.Next(3) == 0)
        {
            bytes.InsertRange(random.Next(open + 1, close + 1), text);
        }
        else
        {
            bytes.RemoveRange(open + 1, close - open - 1);
            bytes.InsertRange(open + 1, text);
        }
    }

    private void ChangeLines(List<byte> bytes)
    {
        List<byte[]> lines = [.. Split(bytes)];
        int one = random.Next(lines.Count);
        int two = random.Next(lines.Count);
        switch (random.Next(4))
        {
            case 0:
                (lines[one], lines[two]) = (lines[two], lines[one]);
                break;
            case 1:
                lines.Insert(one, lines[two]);
                break;
            case 2:
                lines.RemoveAt(one);
                break;
            default:
                lines[one] = [.. lines[one], (byte)'\r'];
                break;
        }

        bytes.Clear();
        bytes.AddRange(lines.SelectMany((line, index) => index == 0 ? line : [(byte)'\n', .. line]));
    }

    private static IEnumerable<byte[]> Split(List<byte> bytes)
    {
        int from = 0;
        for (int at; (at = bytes.IndexOf((byte)'\n', from)) >= 0; from = at + 1)
        {
            yield return [.. bytes[from..at]];
        }

        yield return [.. bytes[from..]];
    }

    private void Nest(List<byte> bytes)
    {
        (string open, string close) = random.Next(3) switch
        {
            0 => ("[", "]"),
            1 => ("{\"a\":", "}"),
            _ => ("(", ")"),
        };
        int depth = random.Next(3) == 0 ? random.Next(1, 400) : random.Next(1, 6);
        int from = At(bytes);
        int to = random.Next(from, bytes.Count + 1);
        bytes.InsertRange(to, Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat(close, random.Next(4) == 0 ? random.Next(depth) : depth))));
        bytes.InsertRange(from, Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat(open, depth))));
    }

    // Writes the smallest and largest values of lengths and indexes in binary formats.
    private void Overwrite(List<byte> bytes)
    {
        byte[] value = BitConverter.GetBytes(random.Next(4) switch { 0 => 0L, 1 => -1L, 2 => 1L << random.Next(63), _ => (1L << random.Next(63)) - 1 });
        int from = At(bytes);
        int length = Math.Min(1 << random.Next(4), bytes.Count - from);
        bytes.RemoveRange(from, length);
        bytes.InsertRange(from, value.AsSpan(0, length));
    }

    private (int From, int To) Run(List<byte> bytes, Predicate<byte> belongs)
    {
        int start = At(bytes);
        int from = bytes.FindIndex(start, belongs);
        from = from < 0 ? bytes.FindIndex(belongs) : from;
        if (from < 0)
        {
            return (start, start);
        }

        int to = bytes.FindIndex(from, b => !belongs(b));
        return (from, to < 0 ? bytes.Count : to);
    }

    private int Find(List<byte> bytes, byte wanted)
    {
        int at = bytes.IndexOf(wanted, random.Next(bytes.Count + 1));
        return at >= 0 ? at : bytes.IndexOf(wanted);
    }
}
