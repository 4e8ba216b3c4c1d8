using FinanceIngest.Cli.Baselines;

namespace FinanceIngest.Tests.Baselines;

public sealed class PickleFuzzTests
{
    private const int Mutations = 20_000;
    private const int Seed = 20_260_101;

    [Fact]
    public void A_mutated_pickle_is_read_or_refused_and_nothing_else()
    {
        byte[][] samples = [.. Samples.Names.Select(Samples.Bytes)];
        var random = new Random(Seed);
        int read = 0;
        for (int i = 0; i < Mutations; i++)
        {
            byte[] bytes = Mutate(samples, random);
            try
            {
                Samples.ReadPickle(bytes);
                read++;
            }
            catch (BaselineFileException)
            {
            }
            catch (Exception other)
            {
                Assert.Fail($"{other.GetType().Name} from {Convert.ToBase64String(bytes)}: {other}");
            }
        }

        // Some mutations are read and some refused: a change inside a number leaves a valid pickle.
        Assert.InRange(read, Mutations / 100, Mutations * 99 / 100);
    }

    [Theory]
    [InlineData(BaselineFileFormat.Csv)]
    [InlineData(BaselineFileFormat.Json)]
    public async Task A_mutated_text_is_read_or_refused_and_nothing_else(BaselineFileFormat format)
    {
        var file = new MemoryStream();
        await BaselineFile.WriteAsync(file, format, Samples.Stream(Samples.Rows), TestContext.Current.CancellationToken);
        byte[][] samples = [file.ToArray(), "user_id, category_id ,mean,std_dev,sample_count\r\n\"1\",2,NaN,\"4\",5\r\n,,,,\n1,2,3,4,5"u8.ToArray(),
            """[{"user_id":1,"category_id":2,"mean":NaN,"std":-Infinity,"count":null,"x":["\ud83d\ude00",{}]},5]"""u8.ToArray()];
        var random = new Random(Seed);
        for (int i = 0; i < Mutations; i++)
        {
            byte[] bytes = Mutate(samples, random);
            try
            {
                BaselineFile.Parse([.. bytes], format, "test");
            }
            catch (BaselineFileException)
            {
            }
            catch (Exception other)
            {
                Assert.Fail($"{other.GetType().Name} from {Convert.ToBase64String(bytes)}: {other}");
            }
        }
    }

    private static byte[] Mutate(byte[][] samples, Random random)
    {
        List<byte> bytes = [.. samples[random.Next(samples.Length)]];
        for (int changes = random.Next(1, 5); changes > 0; changes--)
        {
            int at = random.Next(bytes.Count);
            switch (random.Next(6))
            {
                case 0:
                    bytes[at] = (byte)random.Next(256);
                    break;
                case 1:
                    bytes[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 2:
                    bytes.Insert(at, (byte)random.Next(256));
                    break;
                case 3:
                    bytes.RemoveRange(at, Math.Min(random.Next(1, 9), bytes.Count - at - 1));
                    break;
                case 4:
                    bytes.InsertRange(at, bytes.GetRange(at, Math.Min(random.Next(1, 33), bytes.Count - at)));
                    break;
                default:
                    byte[] other = samples[random.Next(samples.Length)];
                    int from = random.Next(other.Length);
                    bytes.InsertRange(at, other[from..Math.Min(other.Length, from + random.Next(1, 65))]);
                    break;
            }
        }

        return [.. bytes];
    }
}
