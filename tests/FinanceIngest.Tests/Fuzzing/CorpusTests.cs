using FinanceIngest.Fuzz.Engine;
using FinanceIngest.Fuzz.Targets;

namespace FinanceIngest.Tests.Fuzzing;

/// <summary>Checks the inputs under tests/Fuzz/Corpus, among them every input that once failed, for the properties that fuzzing checks.</summary>
public sealed class CorpusTests
{
    private const long LargestCorpus = 1 << 20;

    public static TheoryData<string> Targets { get; } = [.. AllTargets.Create().Select(target => target.Name)];

    [Theory]
    [MemberData(nameof(Targets))]
    public void Every_input_of_the_corpus_keeps_its_properties(string name)
    {
        FuzzTarget target = AllTargets.Create().Single(target => target.Name == name);
        IReadOnlyList<(string Name, byte[] Bytes)> corpus = CorpusFolder.Read(CorpusFolder.BuiltIn, target);

        Assert.NotEmpty(corpus);
        Assert.All(corpus, input =>
        {
            Execution execution = Execution.Of(target, input.Bytes);
            Assert.True(execution is { Failure: null }, $"{input.Name}: {execution.Failure}");
        });
    }

    [Fact]
    public void Every_folder_of_the_corpus_is_read_and_all_of_it_is_small()
    {
        Assert.Equal(
            AllTargets.Create().Select(target => target.Name).Order(),
            Directory.EnumerateDirectories(CorpusFolder.BuiltIn).Select(Path.GetFileName).Order());
        IEnumerable<string> files = Directory.EnumerateFiles(CorpusFolder.BuiltIn, "*", SearchOption.AllDirectories);
        Assert.InRange(files.Sum(path => new FileInfo(path).Length), 1, LargestCorpus);
    }

    [Fact]
    public void The_same_seed_makes_the_same_inputs()
    {
        Assert.Equal(Inputs(5), Inputs(5));
        Assert.NotEqual(Inputs(5), Inputs(6));

        static IEnumerable<byte[]> Inputs(int seed)
        {
            var mutator = new Mutator(new Random(seed), ["token", "{"], longest: 500);
            byte[] last = "{\"a\": 1.5}\n2"u8.ToArray();
            return [.. Enumerable.Range(0, 500).Select(_ => last = mutator.Mutate(last, "other"u8.ToArray()))];
        }
    }

    [Fact]
    public void No_input_is_longer_than_the_target_wants()
    {
        var mutator = new Mutator(new Random(1), ["token"], longest: 64);
        byte[] last = [];
        for (int i = 0; i < 2_000; i++)
        {
            last = mutator.Mutate(last, "another one"u8.ToArray());
            Assert.InRange(last.Length, 0, 64);
        }
    }

    [Fact]
    public void What_does_not_hold_is_made_as_small_as_it_can_be()
    {
        var target = new BrokenTarget();
        byte[] found = [.. Enumerable.Repeat((byte)'-', 700), (byte)'x', .. Enumerable.Repeat((byte)'-', 900), (byte)'y'];

        Assert.Equal("no x before a y", Execution.Of(target, found).Fault);
        Assert.Equal("xy"u8.ToArray(), Minimiser.Minimise(target, found, "no x before a y"));
    }

    [Fact]
    public void An_input_that_costs_too_much_memory_is_a_fault() =>
        Assert.Equal("memory in proportion to the input", Execution.Of(new BrokenTarget(), "memory"u8.ToArray()).Fault);

    [Fact]
    public void An_exception_that_gets_out_is_a_fault() =>
        Assert.StartsWith("InvalidOperationException at ", Execution.Of(new BrokenTarget(), "throw"u8.ToArray()).Fault, StringComparison.Ordinal);

    /// <summary>A target that violates its properties when its input tells it to.</summary>
    private sealed class BrokenTarget : FuzzTarget
    {
        public override string Name => "broken";

        public override string Properties => "";

        public override IReadOnlyList<string> Tokens => [];

        public override long AllocationLimit(int length) => 1 << 20;

        public override string Run(byte[] input)
        {
            int x = input.AsSpan().IndexOf((byte)'x');
            Property.Holds(x < 0 || !input.AsSpan(x).Contains((byte)'y'), "no x before a y", $"{x}");
            return input switch
            {
                [(byte)'m', ..] => $"{new byte[2 << 20].Length}",
                [(byte)'t', ..] => throw new InvalidOperationException("thrown"),
                _ => "",
            };
        }
    }
}
