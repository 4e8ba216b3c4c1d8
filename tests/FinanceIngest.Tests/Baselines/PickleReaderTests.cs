using FinanceIngest.Cli.Baselines.Pickle;

namespace FinanceIngest.Tests.Baselines;

public sealed class PickleReaderTests
{
    private static object? Load(string latin1) => PickleReader.Load(Samples.Latin1(latin1), "test.pkl");

    [Theory]
    [InlineData("I42\n.", 42L)]
    [InlineData("I-9223372036854775808\n.", long.MinValue)]
    [InlineData("I01\n.", true)]
    [InlineData("I00\n.", false)]
    [InlineData("L18446744073709551615L\n.", ulong.MaxValue)]
    [InlineData("L5\n.", 5L)]
    [InlineData("K\u00ff.", 255L)]
    [InlineData("M\u00ff\u00ff.", 65535L)]
    [InlineData("J\u00ff\u00ff\u00ff\u00ff.", -1L)]
    [InlineData("\u008a\0.", 0L)]
    [InlineData("\u008a\u0001\u0080.", -128L)]
    [InlineData("\u008a\u0002\u00ff\0.", 255L)]
    [InlineData("\u008a\u0009\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\0.", ulong.MaxValue)]
    [InlineData("\u008b\u0002\0\0\0\0\u0080.", -32768L)]
    [InlineData("F1e-05\n.", 1e-05)]
    [InlineData("F-inf\n.", double.NegativeInfinity)]
    [InlineData("Fnan\n.", double.NaN)]
    [InlineData("G\u003f\u00f8\0\0\0\0\0\0.", 1.5)]
    [InlineData("N.", null)]
    [InlineData("\u0088.", true)]
    [InlineData("\u0089.", false)]
    public void Numbers(string pickle, object? expected) => Assert.Equal(expected, Load(pickle));

    [Theory]
    [InlineData("S'a\\n\\x41\\101\\'\\q'\n.", "a\nAA'\\q")]
    [InlineData("S\"it's\"\n.", "it's")]
    [InlineData("Vab\\u00e9\\U0001F600\\x\n.", "abé😀\\x")]
    [InlineData("V\\\\u0041\n.", "\\\\u0041")]
    [InlineData("U\u0002\u00e9b.", "éb")]
    [InlineData("T\u0001\0\0\0a.", "a")]
    [InlineData("X\u0002\0\0\0\u00c3\u00a9.", "é")]
    [InlineData("\u008c\u0002\u00c3\u00a9.", "é")]
    [InlineData("\u008d\u0001\0\0\0\0\0\0\0a.", "a")]
    public void Texts(string pickle, string expected) => Assert.Equal(expected, Load(pickle));

    [Theory]
    [InlineData("C\u0002ab.")]
    [InlineData("B\u0002\0\0\0ab.")]
    [InlineData("\u008e\u0002\0\0\0\0\0\0\0ab.")]
    [InlineData("\u0096\u0002\0\0\0\0\0\0\0ab.")]
    [InlineData("c_codecs\nencode\n(X\u0002\0\0\0abX\u0006\0\0\0latin1tR.")]
    public void Bytes(string pickle) => Assert.Equal("ab"u8.ToArray(), Load(pickle));

    [Theory]
    [InlineData("(K\u0001K\u0002l.", 2)]
    [InlineData("]K\u0001a.", 1)]
    [InlineData("](K\u0001K\u0002K\u0003e.", 3)]
    [InlineData("\u008f(K\u0001K\u0002\u0090.", 2)]
    [InlineData("(K\u0001\u0091.", 1)]
    public void Lists_and_sets(string pickle, int count) => Assert.Equal(count, Assert.IsType<PickleList>(Load(pickle)).Items.Count);

    [Theory]
    [InlineData("(I1\nI2\nt.")]
    [InlineData("K\u0001K\u0002\u0086.")]
    [InlineData("K\u0001p7\n0g7\nK\u0002\u0086.")]
    [InlineData("K\u0001r\u0003\u0001\0\00j\u0003\u0001\0\0K\u0002\u0086.")]
    [InlineData("K\u0001\u00940h\0K\u0002\u0086.")]
    public void Tuples_and_memos(string pickle) => Assert.Equal([1L, 2L], Assert.IsType<PickleTuple>(Load(pickle)).Items);

    [Theory]
    [InlineData("K\u0001K\u00020.")]
    [InlineData("K\u00012\u00860K\u0001.")]
    [InlineData("K\u0001(0.")]
    [InlineData("K\u0001(K\u0002K\u00031.")]
    [InlineData("K\u0001((K\u000211.")]
    public void Marks_and_values_are_dropped(string pickle) => Assert.Equal(1L, Load(pickle));

    [Theory]
    [InlineData("c__builtin__\ndict\n)R.")]
    [InlineData("cbuiltins\ndict\n)\u0081.")]
    [InlineData("(icollections\nOrderedDict\n.")]
    [InlineData("(ccollections\ndefaultdict\no.")]
    [InlineData("ccollections\ndefaultdict\n(NtR.")]
    [InlineData("ccollections\ndefaultdict\n(c__builtin__\nlong\ntR.")]
    [InlineData("ccollections\nOrderedDict\n((ltR.")]
    [InlineData("\u008c\u000bcollections\u008c\u000bOrderedDict\u0093)R.")]
    public void Known_classes_make_empty_dicts(string pickle) => Assert.Equal(0, Assert.IsType<PickleDict>(Load(pickle)).Count);

    [Theory]
    [InlineData("ccollections\nOrderedDict\n((l(I1\nI2\nlatR.")]
    [InlineData("ccollections\nOrderedDict\n((lp0\n(I1\nI2\ntatR.")]
    [InlineData("cbuiltins\ndict\n((I1\nI2\ndtR.")]
    [InlineData("ccollections\ndefaultdict\n(N(I1\nI2\ndtR.")]
    public void A_dict_of_a_dict_or_of_pairs_has_their_entries(string pickle) =>
        Assert.Equal([KeyValuePair.Create<object?, object?>(1L, 2L)], Assert.IsType<PickleDict>(Load(pickle)).Entries);

    [Theory]
    [InlineData("cbuiltins\nint\n)R.", 0L)]
    [InlineData("cbuiltins\nfloat\n(I3\ntR.", 3.0)]
    [InlineData("c__builtin__\nlong\n(I3\ntR.", 3L)]
    [InlineData("cnumpy._core.multiarray\nscalar\n(cnumpy.dtypes\nFloat64DType\n)RC\u0008\0\0\0\0\0\0\u00f8\u003ftR.", 1.5)]
    [InlineData("cnumpy.core.multiarray\nscalar\n(cnumpy\ndtype\n(S'>i2'\ntRS'\\x01\\x02'\ntR.", 258L)]
    [InlineData("cnumpy.core.multiarray\nscalar\n(cnumpy\ndtype\n(S'b1'\ntRS'\\x01'\ntR.", true)]
    [InlineData("cnumpy.core.multiarray\nscalar\n(cnumpy\ndtype\n(S'u8'\ntRS'\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff'\ntR.", ulong.MaxValue)]
    public void Known_number_types_make_numbers(string pickle, object expected) => Assert.Equal(expected, Load(pickle));

    [Theory]
    [InlineData("K\u0001.K\u0002.")]
    [InlineData("K\u0001.cos\nsystem\n")]
    [InlineData("K\u0001.\n")]
    public void More_behind_the_end_is_an_error_because_it_would_not_be_read(string pickle) =>
        Assert.Contains("byte 2: the pickle has more behind its end", Samples.Fails(() => Samples.ReadPickle(pickle)).Message, StringComparison.Ordinal);

    [Fact]
    public void A_frame_may_be_anywhere_and_must_fit() => Assert.Equal(1L, Load("\u0080\u0004\u0095\u0003\0\0\0\0\0\0\0K\u0001."));
}
