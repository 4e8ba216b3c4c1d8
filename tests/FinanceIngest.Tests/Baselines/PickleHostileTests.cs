using System.Text;
using FinanceIngest.Cli.Baselines;

namespace FinanceIngest.Tests.Baselines;

public sealed class PickleHostileTests
{
    private const string NothingExecuted = "nothing was executed";

    [Theory]
    [InlineData("cos\nsystem\n(S'touch /tmp/pwned'\ntR.", "os.system")]
    [InlineData("cposix\nsystem\n.", "posix.system")]
    [InlineData("c__builtin__\neval\n(S'1'\ntR.", "__builtin__.eval")]
    [InlineData("cbuiltins\nexec\n.", "builtins.exec")]
    [InlineData("cbuiltins\ngetattr\n.", "builtins.getattr")]
    [InlineData("\u0080\u0004\u008c\u0002os\u008c\u0006system\u0093.", "os.system")]
    [InlineData("(S'ls'\nios\nsystem\n.", "os.system")]
    [InlineData("(cos\nsystem\nS'ls'\no.", "os.system")]
    [InlineData("cfunctools\npartial\n(c__builtin__\ndict\ntR.", "functools.partial")]
    [InlineData("cdecimal\nDecimal\n(S'many'\ntR.", "decimal.Decimal")]
    [InlineData("cnumpy.core.multiarray\n_reconstruct\n.", "numpy.core.multiarray._reconstruct")]
    [InlineData("cnumpy.dtypes\nStringDType\n.", "numpy.dtypes.StringDType")]
    [InlineData("cbuiltins\ndict.fromkeys\n.", "builtins.dict.fromkeys")]
    [InlineData("c\n\n.", ".")]
    [InlineData("c\u001b[31mred\nx\n.", "\\u001b[31mred.x")]
    public void Other_globals_are_named_and_nothing_is_executed(string pickle, string name)
    {
        BaselineFileException failure = Samples.Fails(() => Samples.ReadPickle(pickle));
        Assert.Contains($"\"{name}\"", failure.Message, StringComparison.Ordinal);
        Assert.Contains(NothingExecuted, failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("\u0082\u0001.")]
    [InlineData("\u0083\u0001\0.")]
    [InlineData("\u0084\u0001\0\0\0.")]
    [InlineData("P1\n.")]
    [InlineData("K\u0001Q.")]
    [InlineData("cbuiltins\ndict\n)}\u0092.")]
    [InlineData("K\u0001)R.")]
    [InlineData("S'os'\n)R.")]
    [InlineData("(K\u0001o.")]
    public void Other_ways_to_make_objects_are_refused(string pickle) =>
        Assert.Contains(NothingExecuted, Samples.Fails(() => Samples.ReadPickle(pickle)).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("")]
    [InlineData(".")]
    [InlineData("0.")]
    [InlineData("1.")]
    [InlineData("t.")]
    [InlineData("(.")]
    [InlineData("K\u0001(.")]
    [InlineData("2.")]
    [InlineData("h\0.")]
    [InlineData("g5\n.")]
    [InlineData("g-1\n.")]
    [InlineData("K\u0001px\n.")]
    [InlineData("p0\n.")]
    [InlineData("\u0094.")]
    [InlineData("K\u0001q\u0005h\u0004.")]
    [InlineData("}K\u0001s.")]
    [InlineData("}(K\u0001u.")]
    [InlineData("](K\u0001K\u0002u.")]
    [InlineData("(K\u0001d.")]
    [InlineData("](K\u0001K\u0002ea.")]
    [InlineData("}K\u0001a.")]
    [InlineData("K\u0001\u0085\u0086.")]
    [InlineData("cbuiltins\ndict\nK\u0001R.")]
    [InlineData("cbuiltins\ndict\n(K\u0001tR.")]
    [InlineData("cbuiltins\ndict\n((K\u0001ltR.")]
    [InlineData("cbuiltins\nint\n(S'5'\ntR.")]
    [InlineData("(o.")]
    [InlineData("K\u0001K\u0002\u0093.")]
    [InlineData("\u0097.")]
    [InlineData("\u0080\u0006.")]
    [InlineData("x.")]
    [InlineData("\u00ff.")]
    [InlineData("I\n.")]
    [InlineData("Iabc\n.")]
    [InlineData("I18446744073709551616\n.")]
    [InlineData("L-9223372036854775809L\n.")]
    [InlineData("\u008a\u0009\0\0\0\0\0\0\0\0\u0080.")]
    [InlineData("\u008a\u000a\0\0\0\0\0\0\0\0\0\0.")]
    [InlineData("\u008b\u00ff\u00ff\u00ff\u00ff.")]
    [InlineData("\u008b\u00ff\u00ff\u00ff\u007f.")]
    [InlineData("T\u00ff\u00ff\u00ff\u00ff.")]
    [InlineData("X\u00ff\u00ff\u00ff\u00ff.")]
    [InlineData("\u008d\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff.")]
    [InlineData("\u0095\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff}.")]
    [InlineData("\u0095\u0003\0\0\0\0\0\0\0}.")]
    [InlineData("K\u0001r\u00ff\u00ff\u00ff\u00ff.")]
    [InlineData("K\u0001p99999999999999999999\n.")]
    [InlineData("Fx\n.")]
    [InlineData("S'a\n.")]
    [InlineData("S'\\x4'\n.")]
    [InlineData("S'\\'\n.")]
    [InlineData("V\\u12\n.")]
    [InlineData("V\\U00110000\n.")]
    [InlineData("c_codecs\nencode\n(S'a'\nS'rot13'\ntR.")]
    [InlineData("c_codecs\nencode\n(V\\u0141\nS'latin1'\ntR.")]
    [InlineData("cnumpy\ndtype\n(S'O8'\ntR.")]
    [InlineData("cnumpy\ndtype\n(S'f8'\ntR(I3\nS'evil'\nNNNI-1\nI-1\nI0\ntb.")]
    [InlineData("cnumpy\ndtype\n(S'f8'\ntRK\u0001b.")]
    [InlineData("cnumpy\ndtype\n(S'f16'\ntR.")]
    [InlineData("cnumpy\ndtype\n)R.")]
    [InlineData("cnumpy\ndtype\n(S''\ntR.")]
    [InlineData("cnumpy.core.multiarray\nscalar\n(cnumpy\ndtype\n(S'f8'\ntRS'1234567'\ntR.")]
    [InlineData("cnumpy.core.multiarray\nscalar\n(I1\nS'12345678'\ntR.")]
    [InlineData("\u001f\u008b\u0008\0\0")]
    [InlineData("x\u009c\u0003\0\0")]
    [InlineData("].")]
    [InlineData("N.")]
    public void Damaged_pickles_are_errors(string pickle) => Samples.Fails(() => Samples.ReadPickle(pickle));

    [Theory]
    [InlineData("}}b.")]
    [InlineData("ccollections\nOrderedDict\n)R}b.")]
    [InlineData("ccollections\ndefaultdict\n(K\u0001tR.")]
    [InlineData("ccollections\ndefaultdict\n(cfunctools\npartial\n(c__builtin__\ndict\ntRtR.")]
    [InlineData("ccollections\ndefaultdict\n(cos\nsystem\ntR.")]
    public void What_an_empty_dict_carries_along_is_not_looked_at(string pickle) => Assert.Empty(Samples.ReadPickle(pickle).Rows);

    [Fact]
    public void A_dict_that_holds_itself_is_refused_where_it_is_no_baseline()
    {
        BaselineFileContent content = Samples.ReadPickle("}q\0K\u0001h\0s.");
        Assert.Empty(content.Rows);
        Assert.Equal("[1][1]: mean is required; std_dev is required; sample_count is required", Assert.Single(content.Refused).ToString());
    }

    // Each bomb is a small or cheaply written file that claims to stand for far more data.
    public static TheoryData<string> Bombs => [.. s_bombs.Keys];

    private static readonly Dictionary<string, Func<string>> s_bombs = new()
    {
        ["memoize flood"] = () => "N" + new string('\u0094', 20_000_000) + ".",
        ["mark flood"] = () => new string('(', 20_000_000) + ".",
        ["stack flood"] = () => new string('N', 20_000_000) + ".",
        ["tuples in tuples"] = () => ")" + new string('\u0085', 20_000_000) + ".",
        ["copies of a large dict"] = () =>
            "}q\0(" + new string('N', 200_000) + "ucbuiltins\ndict\nq\u0001" + Repeat("0h\u0001h\0\u0085R", 1_000_000) + ".",
        ["copies of a large list of pairs"] = () =>
            "]q\0(" + Repeat("NN\u0086", 100_000) + "ecbuiltins\ndict\nq\u0001" + Repeat("0h\u0001h\0\u0085R", 1_000_000) + ".",
        ["encodings of a long text"] = () =>
            "c_codecs\nencode\nq\0X\u00f0\u00ff\0\0" + new string('a', 65_520)
            + "q\u0001X\u0006\0\0\0latin1q\u0002" + Repeat("h\0h\u0001h\u0002\u0086R0", 2_000_000) + ".",
        ["long text"] = () => "X\0\0\0\u0002" + new string('a', 33_554_432) + ".",
        ["long line"] = () => "I" + new string('1', 20_000_000) + "\n.",
        ["one dict of categories for many users"] = () =>
            "}q\0(" + Repeat("K\u0001}", 5_000) + "u}(" + Repeat("K\u0001h\0", 100_000) + "u.",
        ["one dict of statistics with very many entries"] = () =>
            "}q\0(" + new string('N', 500_000) + "u}q\u0001(" + Repeat("K\u0001h\0", 5_000) + "u}K\u0001h\u0001s.",
    };

    [Theory]
    [MemberData(nameof(Bombs))]
    public async Task Bombs_end_as_errors_in_little_time(string bomb)
    {
        byte[] bytes = Samples.Latin1(s_bombs[bomb]());
        Task read = Task.Run(() => Samples.Fails(() => Samples.ReadPickle(bytes)));
        await read.WaitAsync(TimeSpan.FromSeconds(60));
    }

    [Fact]
    public void A_file_beyond_64_MiB_is_not_read() =>
        Assert.Contains("64 MiB", Samples.Fails(() => Samples.ReadPickle(new byte[BaselineFile.MaximumBytes + 1])).Message, StringComparison.Ordinal);

    [Fact]
    public void Hundred_thousand_baselines_of_one_pickle_are_read()
    {
        var pickle = new StringBuilder("}K\u0001}");
        for (int i = 0; i < 100_000; i++)
        {
            pickle.Append('J').Append((char)(i & 255)).Append((char)((i >> 8) & 255)).Append((char)(1 + (i >> 16))).Append('\0')
                .Append("}(X\u0004\0\0\0meanK\u0001X\u0003\0\0\0stdK\u0001X\u0005\0\0\0countK\u0001us");
        }

        Assert.Equal(100_000, Samples.ReadPickle(pickle.Append("s.").ToString()).Rows.Count);
    }

    private static string Repeat(string text, int times) => new StringBuilder(text.Length * times).Insert(0, text, times).ToString();
}
