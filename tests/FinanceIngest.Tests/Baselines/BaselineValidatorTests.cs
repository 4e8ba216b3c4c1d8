using FinanceIngest.Baselines;
using FinanceIngest.Transactions;

namespace FinanceIngest.Tests.Baselines;

public sealed class BaselineValidatorTests
{
    private const string IdRange = "must be from 1 to 9223372036854775807";

    [Theory]
    [InlineData(1, 1, 0, 0, 0)]
    [InlineData(long.MaxValue, long.MaxValue, double.MaxValue, double.MaxValue, long.MaxValue)]
    [InlineData(399, 2310, -2000.5, 5e-324, 2)]
    public void The_ends_of_the_ranges_are_taken(long user, long category, double mean, double stdDev, long count)
    {
        var fields = new BaselineFields { UserId = user, CategoryId = category, Mean = mean, StdDev = stdDev, SampleCount = count };
        Assert.True(BaselineValidator.TryValidate(fields, out BaselineRow? row, out ValidationErrors? errors));
        Assert.Equal(Samples.Row(user, category, mean, stdDev, count), row);
        Assert.Null(errors);
    }

    [Theory]
    [InlineData("user_id", IdRange, 0)]
    [InlineData("user_id", IdRange, -1)]
    [InlineData("category_id", IdRange, 0)]
    [InlineData("mean", "must be a finite number", double.NaN)]
    [InlineData("mean", "must be a finite number", double.NegativeInfinity)]
    [InlineData("std_dev", "must be a finite number", double.NaN)]
    [InlineData("std_dev", "must be a finite number", double.PositiveInfinity)]
    [InlineData("std_dev", "must not be negative", -5e-324)]
    [InlineData("sample_count", "must be from 0 to 9223372036854775807", -1)]
    public void Beyond_the_ends_is_an_error_of_that_field(string field, string message, double value)
    {
        BaselineFields fields = new() { UserId = 1, CategoryId = 1, Mean = 1, StdDev = 1, SampleCount = 1 };
        _ = field switch
        {
            "user_id" => fields.UserId = (long)value,
            "category_id" => fields.CategoryId = (long)value,
            "sample_count" => fields.SampleCount = (long)value,
            _ => null,
        };
        _ = field switch
        {
            "mean" => fields.Mean = value,
            "std_dev" => fields.StdDev = value,
            _ => null,
        };

        Assert.False(BaselineValidator.TryValidate(fields, out BaselineRow? row, out ValidationErrors? errors));
        Assert.Null(row);
        Assert.Equal($"{field} {message}", errors.ToString());
    }

    [Fact]
    public void Everything_is_required_and_every_error_is_told()
    {
        Assert.False(BaselineValidator.TryValidate(new BaselineFields(), out _, out ValidationErrors? errors));
        Assert.Equal(["user_id", "category_id", "mean", "std_dev", "sample_count"], errors.Messages.Keys);
        Assert.All(errors.Messages.Values, messages => Assert.Equal(["is required"], messages));
    }

    [Fact]
    public void What_the_reader_of_a_field_said_is_kept_and_not_repeated()
    {
        var fields = new BaselineFields { UserId = 1, CategoryId = 1, Mean = 1, StdDev = 1 };
        fields.AddError("sample_count", "must be an integer");
        Assert.False(BaselineValidator.TryValidate(fields, out _, out ValidationErrors? errors));
        Assert.Equal("sample_count must be an integer", errors.ToString());
    }
}
