using FinanceIngest.Tests.Http.Harness;

namespace FinanceIngest.Tests.Http;

public abstract class SubmitAmountTests(HeadFixture head)
{
    private const string NotANumber = "must be a number, or a number in a string";
    private const string TooManyDecimals = "must have at most four decimals";
    private const string OutOfRange = "must be from -922337203685477.5807 to 922337203685477.5807";

    [Theory]
    [InlineData("6000", "6000.0")]
    [InlineData("\"25000.00\"", "25000.0")]
    [InlineData("0", "0.0")]
    [InlineData("-0", "0.0")]
    [InlineData("-12.34", "-12.34")]
    [InlineData("\"-0.0001\"", "-0.0001")]
    [InlineData("0.1", "0.1")]
    [InlineData("1.5000000000", "1.5")]
    [InlineData("922337203685477.5807", "922337203685477.5807")]
    [InlineData("-922337203685477.5807", "-922337203685477.5807")]
    [InlineData("\"922337203685477.5806\"", "922337203685477.5806")]
    [InlineData("1e2", "100.0")]
    [InlineData("2.5E-3", "0.0025")]
    [InlineData("\"1E+2\"", "100.0")]
    [InlineData("0.00000000012345e10", "1.2345")]
    public async Task An_amount_comes_back_exactly(string amount, string stored) =>
        Assert.Equal(stored, (await head.Client.ScoreAsync(Requests.Transaction(Requests.NewId(), amount))).Raw("amount"));

    [Theory]
    [InlineData("1.00001", TooManyDecimals)]
    [InlineData("\"0.00005\"", TooManyDecimals)]
    [InlineData("1e-5", TooManyDecimals)]
    [InlineData("1e-400", TooManyDecimals)]
    [InlineData("922337203685477.5808", OutOfRange)]
    [InlineData("\"-922337203685477.5808\"", OutOfRange)]
    [InlineData("1e15", OutOfRange)]
    [InlineData("1e400", OutOfRange)]
    [InlineData("-1e400", OutOfRange)]
    [InlineData("1e99999", OutOfRange)]
    [InlineData("1e-99999", OutOfRange)]
    [InlineData("1e999999999999999999999", OutOfRange)]
    [InlineData("\"NaN\"", NotANumber)]
    [InlineData("\"Infinity\"", NotANumber)]
    [InlineData("\"-Infinity\"", NotANumber)]
    [InlineData("\"+5\"", NotANumber)]
    [InlineData("\"1,5\"", NotANumber)]
    [InlineData("\"1,000.00\"", NotANumber)]
    [InlineData("\" 5\"", NotANumber)]
    [InlineData("\"5\\n\"", NotANumber)]
    [InlineData("\"\"", NotANumber)]
    [InlineData("\"0x10\"", NotANumber)]
    [InlineData("\"1.\"", NotANumber)]
    [InlineData("\".5\"", NotANumber)]
    [InlineData("\"01\"", NotANumber)]
    [InlineData("\"1e\"", NotANumber)]
    [InlineData("\"٣\"", NotANumber)]
    [InlineData("\"\\ud800\"", NotANumber)]
    [InlineData("\"5\\u0000\"", NotANumber)]
    [InlineData("true", NotANumber)]
    [InlineData("[6000]", NotANumber)]
    [InlineData("{\"value\": 6000}", NotANumber)]
    public async Task Any_other_amount_is_refused(string amount, string message) =>
        (await head.Client.SubmitAsync(Requests.Transaction(5, amount))).IsInvalid("amount", message);

    [Fact]
    public async Task A_number_of_many_digits_is_refused_at_once()
    {
        string digits = new('9', 500_000);
        (await head.Client.SubmitAsync(Requests.Transaction(5, digits))).IsInvalid("amount", OutOfRange);
        (await head.Client.SubmitAsync(Requests.Transaction(5, $"\"{digits}\""))).IsInvalid("amount", OutOfRange);
        (await head.Client.SubmitAsync(Requests.Transaction(5, $"0.{digits}"))).InvalidFields();
    }
}

[Collection(ServerHead.Collection)]
public sealed class ServerSubmitAmountTests(ServerHead head) : SubmitAmountTests(head);

[Collection(FunctionHead.Collection)]
public sealed class FunctionSubmitAmountTests(FunctionHead head) : SubmitAmountTests(head);
