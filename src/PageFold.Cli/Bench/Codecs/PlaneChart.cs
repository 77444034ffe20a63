using Spectre.Console;
using Spectre.Console.Rendering;

namespace PageFold.Cli.Bench.Codecs;

/// <summary>A point of the plane.</summary>
/// <param name="Mark">The character that stands for it.</param>
/// <param name="Share">The compressed bytes as a share of the data.</param>
/// <param name="DecompressUs">Microseconds to decompress a page.</param>
internal readonly record struct PlanePoint(string Mark, double Share, double DecompressUs)
{
    /// <summary>True if another point needs no more bytes and no more time, and less of one of them.</summary>
    public bool IsBeaten(IEnumerable<PlanePoint> points)
    {
        (double share, double time) = (Share, DecompressUs);
        return points.Any(other =>
            other.Share <= share && other.DecompressUs <= time && (other.Share < share || other.DecompressUs < time));
    }
}

/// <summary>A chart of the plane in the terminal: bytes to the right, time to decompress upwards, by its logarithm.</summary>
/// <remarks>Points that no other point beats in both are green and bold.</remarks>
internal sealed class PlaneChart(IReadOnlyList<PlanePoint> points) : Renderable
{
    private const int Rows = 16;
    private const int MaxColumns = 66;
    private const int MinColumns = 20;
    private const int LabelWidth = 8;
    private const int XLabels = 5;

    /// <summary>Marks for so many points: a letter each, then digits, then a sign for all others.</summary>
    public static string[] Marks(int count)
    {
        const string Characters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
        return [.. Enumerable.Range(0, count).Select(i => i < Characters.Length ? Characters[i].ToString() : "*")];
    }

    protected override IEnumerable<Segment> Render(RenderOptions options, int maxWidth)
    {
        int columns = Math.Clamp(maxWidth - LabelWidth - 2, MinColumns, MaxColumns);
        PlaneScale scale = PlaneScale.Of(points);
        string?[][] cells = Place(scale, columns);
        List<string> lines = ["[grey]µs to decompress a page[/]"];
        for (int row = 0; row < Rows; row++)
        {
            double time = scale.TimeAt(1 - (row + 0.5) / Rows);
            string label = row % 3 == 1 ? Figures.Of(time, time < 10 ? "0.00" : "0.0") : string.Empty;
            string line = string.Concat(Enumerable.Range(0, columns).Select(column => cells[row][column] ?? " "));
            lines.Add($"[grey]{label.PadLeft(LabelWidth - 1)} {(label.Length > 0 ? '┤' : '│')}[/]{line}");
        }
        lines.Add($"[grey]{new string(' ', LabelWidth)}└{new string('─', columns)}[/]");
        lines.Add($"[grey]{XAxis(scale, columns)}[/]");
        return ((IRenderable)new Rows(lines.Select(line => new Markup(line)))).Render(options, maxWidth);
    }

    /// <summary>Puts each mark into its cell or, where another mark is there, into the nearest free one beside it.</summary>
    private string?[][] Place(PlaneScale scale, int columns)
    {
        string?[][] cells = [.. Enumerable.Range(0, Rows).Select(_ => new string?[columns])];
        foreach (PlanePoint point in points.OrderBy(point => point.IsBeaten(points)))
        {
            int row = Math.Clamp((int)((1 - scale.Up(point.DecompressUs)) * Rows), 0, Rows - 1);
            int column = Math.Clamp((int)(scale.Right(point.Share) * columns), 0, columns - 1);
            int? free = Enumerable.Range(0, columns).Where(other => cells[row][other] is null)
                .OrderBy(other => Math.Abs(other - column)).Cast<int?>().FirstOrDefault();
            if (free is { } place)
                cells[row][place] = point.IsBeaten(points) ? point.Mark : $"[green bold]{point.Mark}[/]";
        }
        return cells;
    }

    private static string XAxis(PlaneScale scale, int columns)
    {
        char[] axis = new string(' ', LabelWidth + 1 + columns).ToCharArray();
        for (int i = 0; i < XLabels; i++)
        {
            double share = scale.ShareAt((i + 0.5) / XLabels);
            string label = $"{Figures.Of(100 * share, "0.0")}%";
            int at = LabelWidth + 1 + (int)((i + 0.5) / XLabels * columns) - label.Length / 2;
            label.CopyTo(axis.AsSpan(at));
        }
        string line = new string(axis).TrimEnd();
        return $"{line}\n{new string(' ', LabelWidth + 1)}bytes kept, of the data; towards the lower left is better";
    }
}

/// <summary>The scales of the plane: bytes in proportion, time by its logarithm; both with a margin.</summary>
internal readonly record struct PlaneScale(double LeastShare, double MostShare, double LeastTime, double MostTime)
{
    private const double Margin = 0.05;

    public static PlaneScale Of(IReadOnlyList<PlanePoint> points)
    {
        (double left, double right) = (points.Min(point => point.Share), points.Max(point => point.Share));
        double shareMargin = Math.Max(0.01, (right - left) * Margin);
        (double least, double most) = (points.Min(point => point.DecompressUs), points.Max(point => point.DecompressUs));
        double factor = Math.Max(1.1, Math.Pow(most / least, Margin));
        return new PlaneScale(left - shareMargin, right + shareMargin, least / factor, most * factor);
    }

    /// <summary>The place of a share from the left, zero to one.</summary>
    public double Right(double share) => (share - LeastShare) / (MostShare - LeastShare);

    /// <summary>The place of a time from below, zero to one.</summary>
    public double Up(double time) => Math.Log(time / LeastTime) / Math.Log(MostTime / LeastTime);

    public double ShareAt(double right) => LeastShare + right * (MostShare - LeastShare);

    public double TimeAt(double up) => LeastTime * Math.Pow(MostTime / LeastTime, up);
}
