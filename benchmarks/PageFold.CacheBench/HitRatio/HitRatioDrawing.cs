using System.Security;
using System.Text;
using PageFold.Cli;

namespace PageFold.CacheBench.HitRatio;

/// <summary>Draws hit ratios as SVG for light and dark pages: a line for each trace and capacity, a dot on it for each cache.</summary>
internal sealed class HitRatioDrawing
{
    private const int Width = 860;
    private const int Left = 150;
    private const int PlotWidth = 640;
    private const int LineHeight = 17;
    private const int FontSize = 12;
    private const int LegendStep = 130;
    private const int Tick = 20;

    private const string Style = """
        <style>
        .back { fill: #ffffff } .text { fill: #222222 } .grid { stroke: #dddddd } .span { stroke: #aaaaaa }
        .c0 { fill: #b23a2a } .c1 { fill: #2460a7 } .c2 { fill: #2b7a34 } .c3 { fill: #b07700 } .c4 { fill: #74459a }
        @media (prefers-color-scheme: dark) {
        .back { fill: #16181c } .text { fill: #e4e4e4 } .grid { stroke: #383c44 } .span { stroke: #6a6f79 }
        .c0 { fill: #ee7a68 } .c1 { fill: #6ea8ee } .c2 { fill: #6cc676 } .c3 { fill: #e8b84a } .c4 { fill: #c091e6 }
        }
        </style>
        """;

    private readonly StringBuilder _body = new();
    private readonly string[] _subjects;
    private int _y = 26;

    private HitRatioDrawing(HitRatioReport report)
    {
        _subjects = [.. report.Rows.Select(row => row.Subject).Distinct()];
        Text(20, _y, "Hits, % of requests; capacity in % of the distinct keys, or of the bytes of their values", size: 15);
        _y += 24;
        for (int i = 0; i < _subjects.Length; i++)
        {
            Dot(i, 25 + i * LegendStep, _y - 4);
            Text(35 + i * LegendStep, _y, _subjects[i]);
        }
        _y += 16;
        string[] objectives = [.. report.Rows.Select(row => row.Objective).Distinct()];
        foreach (string objective in objectives)
        {
            HitRatioRow[] rows = [.. report.Rows.Where(row => row.Objective == objective)];
            if (objectives.Length > 1)
                Text(20, _y += LineHeight, $"objective: {objective}", size: 14);
            Panel(rows);
        }
        _y += 10;
    }

    public static string Draw(HitRatioReport report)
    {
        HitRatioDrawing drawing = new(report);
        return $"""
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {Width} {drawing._y}" width="{Width}" height="{drawing._y}"
                font-family="sans-serif">
            {Style}
            <rect class="back" width="100%" height="100%"/>
            {drawing._body}</svg>
            """;
    }

    private void Panel(HitRatioRow[] rows)
    {
        IGrouping<(string Trace, double Percent), HitRatioRow>[] cases = [.. rows.GroupBy(row => (row.Trace, row.CapacityPercent))];
        int lines = cases.Length + (cases.Length > 1 ? 1 : 0);
        int top = _y += 8;
        for (int percent = 0; percent <= 100; percent += Tick)
        {
            Add($"<path class=\"grid\" d=\"M{X(percent / 100.0):0.0} {top}v{lines * LineHeight + 6}\"/>");
            Text(X(percent / 100.0), top + lines * LineHeight + 20, $"{percent} %", anchor: "middle");
        }
        string last = string.Empty;
        foreach (IGrouping<(string Trace, double Percent), HitRatioRow> one in cases)
        {
            Line(one.Key.Trace == last ? string.Empty : HitRatioView.Short(one.Key.Trace), $"{Figures.Of(one.Key.Percent, "0.###")} %",
                subject => one.FirstOrDefault(row => row.Subject == subject)?.ObjectHitRatio);
            last = one.Key.Trace;
        }
        if (cases.Length > 1)
            Line("mean", string.Empty, subject => rows.Where(row => row.Subject == subject).Average(row => row.ObjectHitRatio));
        _y += 26;
    }

    private void Line(string name, string capacity, Func<string, double?> ratio)
    {
        _y += LineHeight;
        Text(20, _y, name);
        Text(Left - 12, _y, capacity, anchor: "end");
        (int Subject, double Ratio)[] dots =
            [.. _subjects.Select((subject, i) => (i, ratio(subject) ?? double.NaN)).Where(dot => !double.IsNaN(dot.Item2))];
        if (dots.Length == 0)
            return;
        Add($"<path class=\"span\" d=\"M{X(dots.Min(dot => dot.Ratio)):0.0} {_y - 4}H{X(dots.Max(dot => dot.Ratio)):0.0}\"/>");
        // The first cache lies on top of the others.
        foreach ((int subject, double value) in dots.Reverse())
            Dot(subject, X(value), _y - 4);
    }

    private void Dot(int subject, double x, double y) => Add($"<circle class=\"c{subject}\" cx=\"{x:0.0}\" cy=\"{y:0.0}\" r=\"4.5\"/>");

    private static double X(double ratio) => Left + ratio * PlotWidth;

    private void Text(double x, double y, string text, int size = FontSize, string anchor = "start")
    {
        string place = FormattableString.Invariant($"x=\"{x:0.0}\" y=\"{y:0.0}\"");
        Add($"<text class=\"text\" {place} font-size=\"{size}\" text-anchor=\"{anchor}\">{SecurityElement.Escape(text)}</text>");
    }

    private void Add(FormattableString element) => _body.Append(FormattableString.Invariant(element)).Append('\n');
}
