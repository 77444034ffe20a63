using Spectre.Console;
using Spectre.Console.Rendering;

namespace PageFold.Cli;

/// <summary>A chart of horizontal bars, each with a label and a value. Bars get shorter where the terminal is narrow.</summary>
/// <remarks>
/// The length of a bar is proportional to its value. Spectre's own chart subtracts the space of the value from the bar, so its bars are
/// not proportional and small ones vanish.
/// </remarks>
internal sealed class Bars(string title, Color color, double? largest = null, int cells = 30) : Renderable
{
    private const int MinCells = 4;

    private readonly List<(string Label, double Value, string Text)> _rows = [];

    /// <summary>Columns that the chart takes with bars of full length.</summary>
    public int Width => Math.Max(new Markup(title).Length, Labels + cells + 1 + Texts);

    private int Labels => _rows.Select(row => row.Label.Length).DefaultIfEmpty().Max() + 1;

    private int Texts => _rows.Select(row => row.Text.Length).DefaultIfEmpty().Max();

    /// <summary>Adds a bar.</summary>
    /// <param name="label">The label.</param>
    /// <param name="value">The value that determines the length, at least zero.</param>
    /// <param name="text">The value as text.</param>
    public void Add(string label, double value, string text) => _rows.Add((label, value, text));

    /// <summary>The cells of a bar: proportional to the value, but at least one if the value is not zero.</summary>
    public static int Length(double value, double largest, int cells) =>
        value <= 0 || largest <= 0 ? 0 : Math.Clamp((int)Math.Round(value / largest * cells), 1, cells);

    /// <summary>Two charts beside each other or, where there is no room for that, one below the other.</summary>
    public static IRenderable Beside(Bars left, Bars right) => new Pair(left, right);

    protected override Measurement Measure(RenderOptions options, int maxWidth) =>
        new(Math.Min(Width, maxWidth), Math.Min(Width, maxWidth));

    protected override IEnumerable<Segment> Render(RenderOptions options, int maxWidth)
    {
        double most = largest ?? _rows.Select(row => row.Value).DefaultIfEmpty().Max();
        int room = Math.Clamp(maxWidth - Labels - 1 - Texts, MinCells, cells);
        Grid grid = new();
        grid.AddColumn(new GridColumn().NoWrap().PadRight(1)).AddColumn(new GridColumn().NoWrap().PadRight(0));
        foreach ((string label, double value, string text) in _rows)
        {
            string bar = new('█', Length(value, most, room));
            grid.AddRow(Markup.FromInterpolated($"{label}"), new Markup($"[{color.ToMarkup()}]{bar}[/] {Markup.Escape(text)}"));
        }
        return ((IRenderable)new Rows(new Markup(title), grid)).Render(options, maxWidth);
    }

    private sealed class Pair(Bars left, Bars right) : Renderable
    {
        private const int Gap = 4;

        protected override IEnumerable<Segment> Render(RenderOptions options, int maxWidth)
        {
            if (left.Width + Gap + right.Width > maxWidth)
                return ((IRenderable)new Rows(left, Text.Empty, right)).Render(options, maxWidth);
            Grid grid = new();
            grid.AddColumn(new GridColumn().PadRight(Gap)).AddColumn();
            return ((IRenderable)grid.AddRow(left, right)).Render(options, maxWidth);
        }
    }
}
