namespace PageFold.Cli.Tests;

public class ByteSizeTests
{
    [Theory]
    [InlineData("4096", 4096)]
    [InlineData("4KiB", 4096)]
    [InlineData("4k", 4096)]
    [InlineData("1.5 GiB", 1610612736)]
    [InlineData("100MB", 100000000)]
    [InlineData("7b", 7)]
    [InlineData("2PiB", 1L << 51)]
    [InlineData("7.5EiB", 15L << 59)]
    [InlineData("3pb", 3_000_000_000_000_000)]
    [InlineData("1e", 1L << 60)]
    [InlineData("9223372036854775807", long.MaxValue)]
    public void Reads_what_people_write(string text, long bytes)
    {
        Assert.True(ByteSize.TryParse(text, out long parsed));
        Assert.Equal(bytes, parsed);
    }

    [Theory]
    [InlineData("")]
    [InlineData("GiB")]
    [InlineData("-4k")]
    [InlineData("4 parsecs")]
    [InlineData("9999999999TiB")]
    [InlineData("8EiB")]
    [InlineData("10EB")]
    [InlineData("9223372036854775808")]
    [InlineData("1e9")]
    public void Refuses_text_that_is_no_number_of_bytes(string text) => Assert.False(ByteSize.TryParse(text, out _));

    [Theory]
    [InlineData(1023, "1023 B")]
    [InlineData(1L << 50, "1.0 PiB")]
    [InlineData(5L << 49, "2.5 PiB")]
    [InlineData(long.MaxValue, "8.0 EiB")]
    public void Writes_the_largest_unit_that_fits(long bytes, string expected) => Assert.Equal(expected, ByteSize.Format(bytes));

    [Fact]
    public void Never_throws_for_any_text() =>
        Gen.String.Sample(text => ByteSize.TryParse(text, out long bytes) ? bytes >= 0 : bytes == 0);
}
