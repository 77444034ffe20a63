using System.Globalization;
using System.Security;
using System.Text;

namespace PageFold.Cli.Bench.Layers;

/// <summary>Draws the layers as two stacked bars, as SVG.</summary>
internal static class LayersDrawing
{
    private const int Width = 860;
    private const int BarWidth = 820;
    private const int Left = 20;
    private const int LineHeight = 18;

    private static readonly string[] Colors = ["#4c9a52", "#3b76b8", "#d9a520", "#c04a3a", "#8456a8", "#8a8a8a"];

    public static string Draw(LayersReport report)
    {
        StringBuilder body = new();
        int y = 24;
        string pages = $"{Figures.Count(report.Pages, "page", "pages")} of {ByteSize.Format(report.PageSize)}";
        Text(body, Left, y, 15, $"{report.Implementation}, {pages}, one thread, random order");
        y += 16;
        y = Bar(body, y, "Store", report.Store);
        y = Bar(body, y, "Load", report.Load);
        return $"""
            <svg xmlns="http://www.w3.org/2000/svg" width="{Width}" height="{y}" viewBox="0 0 {Width} {y}" font-family="sans-serif">
            <rect width="100%" height="100%" fill="#ffffff"/>
            {body}</svg>
            """;
    }

    private static int Bar(StringBuilder body, int y, string name, LayersOperation operation)
    {
        Text(body, Left, y + 16, 14, $"{name}: {Figures.Of(operation.Nanoseconds, "N0")} ns a page");
        y += 24;
        // A layer below zero has no width in the bar; the line below, the whole, is shorter by it.
        double sum = operation.Apart;
        double x = Left;
        for (int i = 0; i < operation.Layers.Count; i++)
        {
            double width = Math.Max(0, operation.Layers[i].Nanoseconds) / sum * BarWidth;
            string color = Colors[i % Colors.Length];
            body.Append(
                CultureInfo.InvariantCulture, $"<rect x=\"{x:0.0}\" y=\"{y}\" width=\"{width:0.0}\" height=\"30\" fill=\"{color}\"/>\n");
            x += width;
        }
        double whole = Left + Math.Min(1, operation.Nanoseconds / sum) * BarWidth;
        body.Append(CultureInfo.InvariantCulture, $"<path d=\"M{Left} {y + 33}v5H{whole:0.0}v-5\" fill=\"none\" stroke=\"#222222\"/>\n");
        y += 48;
        for (int i = 0; i < operation.Layers.Count; i++)
        {
            Layer layer = operation.Layers[i];
            string color = Colors[i % Colors.Length];
            body.Append(CultureInfo.InvariantCulture, $"<rect x=\"{Left}\" y=\"{y}\" width=\"12\" height=\"12\" fill=\"{color}\"/>\n");
            Text(body, Left + 20, y + 11, 12, $"{layer.Name}: {Figures.Of(layer.Nanoseconds, "N0")} ns ({layer.Remark})");
            y += LineHeight;
        }
        return y + 12;
    }

    private static void Text(StringBuilder body, int x, int y, int size, string text)
    {
        body.Append(CultureInfo.InvariantCulture, $"<text x=\"{x}\" y=\"{y}\" font-size=\"{size}\" fill=\"#222222\">");
        body.Append(SecurityElement.Escape(text)).Append("</text>\n");
    }
}
