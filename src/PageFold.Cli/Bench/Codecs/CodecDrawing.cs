using System.Globalization;
using System.Security;
using System.Text;

namespace PageFold.Cli.Bench.Codecs;

/// <summary>Draws the plane of bytes and time to decompress, one panel a page size, as SVG for light and dark pages.</summary>
/// <remarks>Each implementation has a colour, and a line through its levels; points that no other point beats in both are filled.</remarks>
internal sealed class CodecDrawing
{
    private const int Width = 860;
    private const int Left = 70;
    private const int PlotWidth = 760;
    private const int PlotHeight = 340;
    private const int FontSize = 12;
    private const double CharacterWidth = 7;
    private const int Ticks = 6;

    private const string Style = """
        <style>
        .back { fill: #ffffff } .text { fill: #222222 } .grid { stroke: #dddddd } .frame { stroke: #888888; fill: none }
        .c0 { color: #2b7a34 } .c1 { color: #2460a7 } .c2 { color: #b07700 } .c3 { color: #b23a2a }
        .c4 { color: #74459a } .c5 { color: #666666 } .c6 { color: #00808a } .c7 { color: #b0357c }
        @media (prefers-color-scheme: dark) {
        .back { fill: #16181c } .text { fill: #e4e4e4 } .grid { stroke: #383c44 } .frame { stroke: #8a8f99 }
        .c0 { color: #6cc676 } .c1 { color: #6ea8ee } .c2 { color: #e8b84a } .c3 { color: #ee7a68 }
        .c4 { color: #c091e6 } .c5 { color: #b0b0b0 } .c6 { color: #4fc7d0 } .c7 { color: #ee7fba }
        }
        </style>
        """;

    private const int Colors = 8;

    private readonly StringBuilder _body = new();
    private readonly List<(double X, double Y, double Width)> _labels = [];
    private readonly string[] _implementations;
    private int _y = 26;

    private CodecDrawing(CodecBenchReport report)
    {
        _implementations = [.. report.Rows.Select(row => row.Implementation).Distinct()];
        Text(20, _y, $"{report.Data}: bytes kept and time to decompress a page", size: 15);
        _y += 20;
        Text(20, _y, $"{report.Cpu}, one thread, {report.Clock}");
        _y += 12;
        Legend();
        foreach (CodecBenchPages pages in report.PageSizes)
        {
            CodecBenchRow[] rows = [.. report.Rows.Where(row => row.PageSize == pages.PageSize)];
            if (rows.Length > 0)
                Panel(pages, rows);
        }
    }

    public static string Draw(CodecBenchReport report)
    {
        CodecDrawing drawing = new(report);
        int height = drawing._y;
        return $"""
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {Width} {height}" width="{Width}" height="{height}"
                font-family="sans-serif">
            {Style}
            <rect class="back" width="100%" height="100%"/>
            {drawing._body}</svg>
            """;
    }

    private void Legend()
    {
        double x = 20;
        foreach (string implementation in _implementations)
        {
            double width = 24 + implementation.Length * CharacterWidth;
            if (x + width > Width)
            {
                x = 20;
                _y += 18;
            }
            Add($"<circle class=\"{Color(implementation)}\" cx=\"{x + 5:0.0}\" cy=\"{_y + 4}\" r=\"4\" fill=\"currentColor\"/>");
            Text(x + 13, _y + 8, implementation);
            x += width + 8;
        }
        _y += 26;
    }

    private void Panel(CodecBenchPages pages, CodecBenchRow[] rows)
    {
        PlanePoint[] points = [.. rows.Select(row => new PlanePoint(row.Codec, row.Share, row.DecompressUs))];
        PlaneScale scale = PlaneScale.Of(points);
        string count = $"{Figures.Count(pages.Pages, "page", "pages")} of {ByteSize.Format(pages.PageSize)}";
        Text(20, _y + 14, $"{count}: µs to decompress a page, a logarithmic scale", size: 14);
        int top = _y + 26;
        Axes(scale, top);
        _labels.Clear();
        foreach (IGrouping<(string, string), int> family in Enumerable.Range(0, rows.Length)
            .GroupBy(i => (rows[i].Implementation, rows[i].Codec.Split(':')[0])))
        {
            string path = string.Join(" ", family.OrderBy(i => points[i].Share).Select(i =>
                string.Create(CultureInfo.InvariantCulture, $"{X(scale, points[i]):0.0},{Y(scale, points[i], top):0.0}")));
            string color = Color(rows[family.First()].Implementation);
            Add($"<polyline class=\"{color}\" points=\"{path}\" fill=\"none\" stroke=\"currentColor\" stroke-opacity=\"0.4\"/>");
        }
        for (int i = 0; i < rows.Length; i++)
        {
            (double x, double y) = (X(scale, points[i]), Y(scale, points[i], top));
            string fill = points[i].IsBeaten(points) ? "none" : "currentColor";
            string color = Color(rows[i].Implementation);
            Add($"<circle class=\"{color}\" cx=\"{x:0.0}\" cy=\"{y:0.0}\" r=\"4\" fill=\"{fill}\" stroke=\"currentColor\"/>");
            // A label avoids the other points too.
            _labels.Add((x - 5, y, 10));
        }
        for (int i = 0; i < rows.Length; i++)
            Label(rows[i], X(scale, points[i]), Y(scale, points[i], top));
        _y = top + PlotHeight + 52;
    }

    private void Axes(PlaneScale scale, int top)
    {
        for (int i = 0; i <= Ticks; i++)
        {
            double at = (double)i / Ticks;
            double x = Left + at * PlotWidth;
            double y = top + (1 - at) * PlotHeight;
            Add($"<path class=\"grid\" d=\"M{x:0.0} {top}v{PlotHeight}M{Left} {y:0.0}h{PlotWidth}\"/>");
            Text(x, top + PlotHeight + 16, $"{Figures.Of(100 * scale.ShareAt(at), "0.0")} %", anchor: "middle");
            Text(Left - 6, y + 4, $"{Figures.Of(scale.TimeAt(at), "0.00")} µs", anchor: "end");
        }
        Add($"<rect class=\"frame\" x=\"{Left}\" y=\"{top}\" width=\"{PlotWidth}\" height=\"{PlotHeight}\"/>");
        Text(Left + PlotWidth / 2, top + PlotHeight + 34, "bytes kept, of the data", anchor: "middle");
    }

    /// <summary>Puts the codec's name where it covers no other label and no point, if there is such a place near its point.</summary>
    private void Label(CodecBenchRow row, double x, double y)
    {
        double width = row.Codec.Length * CharacterWidth;
        (double X, double Y)[] places =
        [
            (x + 7, y), (x - 7 - width, y), (x - width / 2, y - 13), (x - width / 2, y + 13), (x + 5, y - 13), (x + 5, y + 13),
            (x - 5 - width, y - 13), (x - 5 - width, y + 13), (x + 9, y - 25), (x + 9, y + 25), (x - 9 - width, y - 25),
            (x - 9 - width, y + 25),
        ];
        int free = Array.FindIndex(places, place => place.X > Left && place.X + width < Left + PlotWidth && !_labels.Exists(other =>
            Math.Abs(other.Y - place.Y) < FontSize && place.X < other.X + other.Width && other.X < place.X + width));
        (double left, double middle) = places[Math.Max(0, free)];
        _labels.Add((left, middle, width));
        Text(left, middle + 4, row.Codec, color: Color(row.Implementation));
    }

    private static double X(PlaneScale scale, PlanePoint point) => Left + scale.Right(point.Share) * PlotWidth;

    private static double Y(PlaneScale scale, PlanePoint point, int top) => top + (1 - scale.Up(point.DecompressUs)) * PlotHeight;

    private string Color(string implementation) => $"c{Array.IndexOf(_implementations, implementation) % Colors}";

    private void Text(double x, double y, string text, int size = FontSize, string anchor = "start", string? color = null)
    {
        string fill = color is null ? "class=\"text\"" : $"class=\"{color}\" fill=\"currentColor\"";
        string place = FormattableString.Invariant($"x=\"{x:0.0}\" y=\"{y:0.0}\"");
        Add($"<text {fill} {place} font-size=\"{size}\" text-anchor=\"{anchor}\">{SecurityElement.Escape(text)}</text>");
    }

    private void Add(FormattableString element) => _body.Append(FormattableString.Invariant(element)).Append('\n');
}
