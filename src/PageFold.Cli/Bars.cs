using Spectre.Console;
using Spectre.Console.Rendering;

namespace PageFold.Cli;

/// <summary>
/// A chart of horizontal bars: a label, a bar whose length is the value's share of the largest, and the value. Spectre's own chart takes
/// the space of the value off the bar, so that its bars are not in proportion and small ones vanish.
/// </summary>
internal sealed class Bars(string title, Color color, double? largest = null, int cells = 30)
{
    private readonly List<(string Label, double Value, string Text)> _rows = [];

    /// <summary>Adds a bar.</summary>
    /// <param name="label">What it stands for.</param>
    /// <param name="value">Its length, at least zero.</param>
    /// <param name="text">The value in words.</param>
    public void Add(string label, double value, string text) => _rows.Add((label, value, text));

    /// <summary>How many cells a bar has: in proportion, and one for what is more than nothing.</summary>
    public static int Length(double value, double largest, int cells) =>
        value <= 0 || largest <= 0 ? 0 : Math.Clamp((int)Math.Round(value / largest * cells), 1, cells);

    /// <summary>The chart, as wide as it needs to be.</summary>
    public IRenderable Draw()
    {
        double most = largest ?? _rows.Select(row => row.Value).DefaultIfEmpty().Max();
        Grid grid = new();
        grid.AddColumn(new GridColumn().NoWrap().PadRight(1)).AddColumn(new GridColumn().NoWrap().PadRight(0));
        foreach ((string label, double value, string text) in _rows)
        {
            string bar = new('█', Length(value, most, cells));
            grid.AddRow(Markup.FromInterpolated($"{label}"), new Markup($"[{color.ToMarkup()}]{bar}[/] {Markup.Escape(text)}"));
        }
        return new Rows(new Markup(title), grid);
    }
}
