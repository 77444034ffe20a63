using Spectre.Console;
using Spectre.Console.Rendering;

namespace PageFold.Cli.Tests;

/// <summary>The bars that commands draw.</summary>
public class BarsTests
{
    [Fact]
    public void Bars_are_proportional_whatever_text_follows_them()
    {
        Bars bars = new("Title", Color.Green, cells: 40);
        bars.Add("whole", 64.6, "64.6 MiB");
        bars.Add("a fifth", 12.6, "a long value of 12.6 MiB");
        bars.Add("hardly any", 0.001, "0.001 MiB");
        bars.Add("nothing", 0, "0");
        Assert.Equal([40, 8, 1, 0], Drawn(bars));
    }

    [Fact]
    public void A_stated_largest_value_is_the_whole_length()
    {
        Bars bars = new("Title", Color.Green, largest: 100, cells: 20);
        bars.Add("half", 50, "50.0");
        Assert.Equal([10], Drawn(bars));
    }

    [Theory]
    [InlineData(60, 40)]
    [InlineData(40, 23)]
    [InlineData(22, 5)]
    public void Bars_get_shorter_on_a_narrow_terminal_and_no_line_wraps(int width, int whole)
    {
        Bars bars = new("Title", Color.Green, cells: 40);
        bars.Add("whole", 64.6, "64.6 MiB");
        bars.Add("nothing", 0, "0");
        Assert.Equal([whole, 0], Drawn(bars, width));
    }

    [Fact]
    public void A_chart_without_bars_has_its_title_alone() => Assert.Equal("Title", Lines(new Bars("Title", Color.Green), 80)[0].Trim());

    [Fact]
    public void Two_charts_are_one_below_the_other_where_there_is_no_room_beside()
    {
        Bars left = new("Left", Color.Green);
        Bars right = new("Right", Color.Blue);
        left.Add("a", 1, "1");
        right.Add("b", 1, "1");
        string[] wide = Lines(Bars.Beside(left, right), left.Width + 4 + right.Width);
        Assert.StartsWith("Left", wide[0], StringComparison.Ordinal);
        Assert.EndsWith("Right", wide[0].TrimEnd(), StringComparison.Ordinal);
        string[] narrow = Lines(Bars.Beside(left, right), left.Width + 3 + right.Width);
        Assert.Equal(["Left", "Right"], narrow.Select(line => line.Trim()).Where(line => line is "Left" or "Right"));
    }

    private static IEnumerable<int> Drawn(Bars bars, int width = 200) =>
        Lines(bars, width).Skip(1).Select(line => line.Count(character => character == '█'));

    private static string[] Lines(IRenderable what, int width)
    {
        using StringWriter text = new();
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(text) });
        console.Profile.Width = width;
        console.Write(what);
        return text.ToString().TrimEnd().Split('\n');
    }
}
