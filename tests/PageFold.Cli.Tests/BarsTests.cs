using Spectre.Console;

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

    private static IEnumerable<int> Drawn(Bars bars)
    {
        using StringWriter text = new();
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(text) });
        console.Profile.Width = 200;
        console.Write(bars.Draw());
        return text.ToString().TrimEnd().Split('\n').Skip(1).Select(line => line.Count(character => character == '█'));
    }
}
