using Spectre.Console;
using Spectre.Console.Rendering;

namespace PageFold.Cli;

/// <summary>A chart of horizontal bars, each with a label and a value.</summary>
/// <remarks>
/// The length of a bar is proportional to its value. Spectre's own chart subtracts the space of the value from the bar, so its bars are
/// not proportional and small ones vanish.
/// </remarks>
internal sealed class Bars(string title, Color color, double? largest = null, int cells = 30)
{
    private readonly List<(string Label, double Value, string Text)> _rows = [];

    /// <summary>Adds a bar.</summary>
    /// <param name="label">The label.</param>
    /// <param name="value">The value that determines the length, at least zero.</param>
    /// <param name="text">The value as text.</param>
    public void Add(string label, double value, string text) => _rows.Add((label, value, text));

    /// <summary>The cells of a bar: proportional to the value, but at least one if the value is not zero.</summary>
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
