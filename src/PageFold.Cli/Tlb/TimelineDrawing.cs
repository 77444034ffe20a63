using System.Globalization;
using System.Security;
using System.Text;
using PageFold.TlbLab;

namespace PageFold.Cli.Tlb;

/// <summary>Draws a timeline as SVG: time runs down, each CPU has a lane, and the translations after each step stand beside it.</summary>
internal static class TimelineDrawing
{
    private const int Left = 20;
    private const int NumberWidth = 30;
    private const int LineHeight = 20;
    private const int CharacterWidth = 8;
    private const int MinColumn = 70;
    private const int Gap = 16;
    private const int MinWidth = 640;
    private const int TitleCharacterWidth = 10;

    public static string Draw(Timeline timeline)
    {
        CheckResult result = timeline.Result;
        StringBuilder body = new();
        int y = 30;
        string title = $"{TimelineView.Title(result)}: {TimelineView.VerdictText(result)}";
        int width = Math.Max(MinWidth, title.Length * TitleCharacterWidth + 2 * Left);
        Text(body, Left, y, title, "#222222", "font-size=\"16\" font-weight=\"bold\"");
        y += 24;
        if (timeline.Entries.Count > 0)
        {
            TimelineColumns columns = new(timeline);
            int[] places = Places(columns);
            width = Math.Max(width, places[^1]);
            y = Table(body, columns, places, y);
            foreach (string line in columns.Legend(result))
                y = Wrapped(body, line, width, y, "#777777");
        }
        y = Wrapped(body, timeline.Sentence, width, y, "#222222");
        string states = Figures.Count(result.StatesExplored, "state", "states");
        y = Wrapped(body, $"Within {result.Bounds}; {states} explored.", width, y, "#777777");
        string size = $"width=\"{width}\" height=\"{y}\" viewBox=\"0 0 {width} {y}\"";
        return $"""
            <svg xmlns="http://www.w3.org/2000/svg" {size} font-family="monospace" font-size="13">
            <rect width="100%" height="100%" fill="#ffffff"/>
            {body}</svg>
            """;
    }

    /// <summary>The left edges of the columns, and the right edge of the last one.</summary>
    private static int[] Places(TimelineColumns columns)
    {
        int[] places = new int[columns.Headers.Count + 1];
        places[0] = Left + NumberWidth;
        for (int column = 0; column < columns.Headers.Count; column++)
        {
            int longest = columns.Rows.Max(row => row.Cells[column].Split('\n').Max(line => line.Length));
            int characters = Math.Max(longest, columns.Headers[column].Length);
            places[column + 1] = places[column] + Math.Max(MinColumn, characters * CharacterWidth + Gap);
        }
        return places;
    }

    private static int Table(StringBuilder body, TimelineColumns columns, int[] places, int y)
    {
        int top = y;
        for (int column = 0; column < columns.Headers.Count; column++)
            Text(body, places[column], y, columns.Headers[column], "#222222", "font-weight=\"bold\"");
        y += LineHeight;
        IReadOnlyList<string> before = [];
        foreach (TimelineRow row in columns.Rows)
        {
            int lines = row.Cells.Max(cell => cell.Split('\n').Length);
            string shade = Shade(row.Kind);
            if (shade.Length > 0)
            {
                body.Append(CultureInfo.InvariantCulture, $"<rect x=\"{Left}\" y=\"{y - 14}\" width=\"{places[^1] - Left - 4}\" ");
                body.Append(CultureInfo.InvariantCulture, $"height=\"{lines * LineHeight}\" fill=\"{shade}\"/>\n");
            }
            Text(body, Left, y, row.Number, "#777777");
            for (int column = 0; column < row.Cells.Count; column++)
            {
                // Changed translations are highlighted.
                bool isLane = column < columns.Lanes;
                bool changed = !isLane && before.Count > 0 && before[column] != row.Cells[column];
                string color = isLane || changed ? "#222222" : "#999999";
                string weight = changed ? "font-weight=\"bold\"" : string.Empty;
                string[] parts = row.Cells[column].Split('\n');
                for (int line = 0; line < parts.Length; line++)
                    Text(body, places[column], y + line * LineHeight, parts[line], color, weight);
            }
            y += lines * LineHeight;
            before = row.Cells;
        }
        foreach (int place in places[1..^1])
            body.Append(CultureInfo.InvariantCulture, $"<path d=\"M{place - Gap / 2} {top - 12}V{y - 12}\" stroke=\"#dddddd\"/>\n");
        return y + LineHeight / 2;
    }

    private static string Shade(TimelineKind kind) => kind switch
    {
        TimelineKind.Wrong => "#f8d7d3",
        TimelineKind.Fill => "#fbf0cf",
        TimelineKind.Switch or TimelineKind.Interrupt => "#dbe7f5",
        _ => string.Empty,
    };

    private static int Wrapped(StringBuilder body, string text, int width, int y, string color)
    {
        int room = (width - 2 * Left) / CharacterWidth;
        StringBuilder line = new();
        foreach (string word in text.Split(' '))
        {
            if (line.Length > 0 && line.Length + 1 + word.Length > room)
            {
                Text(body, Left, y, line.ToString(), color);
                y += LineHeight;
                line.Clear();
            }
            line.Append(line.Length > 0 ? " " : string.Empty).Append(word);
        }
        Text(body, Left, y, line.ToString(), color);
        return y + LineHeight;
    }

    private static void Text(StringBuilder body, int x, int y, string text, string color, string more = "")
    {
        if (text.Length == 0)
            return;
        body.Append(CultureInfo.InvariantCulture, $"<text x=\"{x}\" y=\"{y}\" fill=\"{color}\" xml:space=\"preserve\" {more}>");
        body.Append(SecurityElement.Escape(text)).Append("</text>\n");
    }
}
