using System.Xml.Linq;

namespace PageFold.Cli.Tests;

/// <summary>A member has one summary, also where a type is spread over several files.</summary>
public class XmlDocumentationTests
{
    // The documentation of every project lies beside its assembly, and so beside the tests.
    [Theory]
    [InlineData("PageFold")]
    [InlineData("PageFold.Cli")]
    [InlineData("PageFold.Disks")]
    [InlineData("PageFold.Nbd")]
    [InlineData("PageFold.TlbLab")]
    public void Every_member_has_at_most_one_summary(string project)
    {
        XDocument documentation = XDocument.Load(Path.Combine(AppContext.BaseDirectory, project + ".xml"));
        Assert.NotEmpty(documentation.Descendants("member"));
        Assert.Equal([], WithSeveralSummaries(documentation));
    }

    [Fact]
    public void A_second_summary_is_found()
    {
        XDocument planted = XDocument.Parse("""
            <doc><members>
                <member name="T:One"><summary>One.</summary><remarks>More.</remarks></member>
                <member name="T:Two"><summary>Two.</summary><summary>Two again.</summary></member>
                <member name="T:None"><remarks>None.</remarks></member>
            </members></doc>
            """);
        Assert.Equal(["T:Two"], WithSeveralSummaries(planted));
    }

    private static IEnumerable<string> WithSeveralSummaries(XDocument documentation) => documentation.Descendants("member")
        .Where(member => member.Elements("summary").Count() > 1)
        .Select(member => (string)member.Attribute("name")!);
}
