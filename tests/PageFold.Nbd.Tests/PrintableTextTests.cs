namespace PageFold.Nbd.Tests;

/// <summary>What others have named cannot steer a terminal or forge a line of a log.</summary>
public class PrintableTextTests
{
    [Theory]
    [InlineData("plain text, with ~ and \\", "plain text, with ~ and \\")]
    [InlineData("Grüße, 日本, 😀", "Grüße, 日本, 😀")]
    [InlineData("a\nb\r\tc\u001b[31m\u0007\u007f", @"a\u000ab\u000d\u0009c\u001b[31m\u0007\u007f")]
    [InlineData("\u009b1m\u2028\u2029", @"\u009b1m\u2028\u2029")]
    [InlineData("\u202egnp.exe\u200b", @"\u202egnp.exe\u200b")]
    [InlineData("\U000e0041", @"\U000e0041")]
    [InlineData("", "")]
    public void Control_characters_are_escaped_and_others_shown(string text, string shown) => Assert.Equal(shown, PrintableText.Of(text));

    [Fact]
    public void Half_a_surrogate_pair_is_escaped() => Assert.Equal(@"\ud800x", PrintableText.Of("\ud800x"));
}
