using System.Xml.Linq;

namespace PageFold.Cli.Tests;

/// <summary>A member has one summary, also where a type is spread over several files.</summary>
public class XmlDocumentationTests
{
    // Members that still have several. Remove an entry when they are merged; the aim is an empty list.
    private static readonly string[] MayHaveSeveral =
    [
        "P:PageFold.PageStore.KeepsOthersOut",
        "T:PageFold.Nbd.RamDisk",
        "T:PageFold.Nbd.Session.Transmission",
        "T:PageFold.PageStore",
        "T:PageFold.Throw",
    ];

    // The documentation of every project lies beside its assembly, and so beside the tests.
    [Theory]
    [InlineData("PageFold")]
    [InlineData("PageFold.Cli")]
    [InlineData("PageFold.Nbd")]
    [InlineData("PageFold.TlbLab")]
    public void Every_member_has_at_most_one_summary(string project)
    {
        XDocument documentation = XDocument.Load(Path.Combine(AppContext.BaseDirectory, project + ".xml"));
        Assert.NotEmpty(documentation.Descendants("member"));
        string[] several =
        [
            .. WithSeveralSummaries(documentation)
                .Where(member => !MayHaveSeveral.Any(prefix => member.StartsWith(prefix, StringComparison.Ordinal))),
        ];
        Assert.True(several.Length == 0, string.Join("\n", several));
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
