using System.Globalization;
using System.Text;
using Spectre.Console;

namespace PageFold.Cli.Bench.Layers;

/// <summary>Shows the layers: a bar of parts and a table for each operation.</summary>
internal static class LayersView
{
    private const int MaxBarWidth = 76;

    private static readonly string[] Colors = ["green", "blue", "yellow", "red", "purple", "grey"];

    // Distinct without colors too.
    private static readonly char[] Fills = ['█', '▒', '▓', '░', '▚', '·'];

    public static void Show(LayersReport report)
    {
        IAnsiConsole output = AnsiConsole.Console;
        output.WriteLine();
        string pages = $"{Figures.Count(report.Pages, "page", "pages")} of {ByteSize.Format(report.PageSize)}";
        output.MarkupLine(
            Markup.Escape($"{report.Source}: {pages}, {report.Implementation}, one thread, random order, warm memory"));
        Show(output, "Store", report.Store);
        Show(output, "Load", report.Load);
        string rounds = report.Rounds < 2 ? Figures.Legend(report.Rounds) : $"median of {report.Rounds} rounds";
        output.MarkupLine($"[grey]{rounds}; layers that are differences carry the noise of both[/]");
        output.MarkupLine("[grey]the line below a bar is as long as the whole[/]");
        output.MarkupLine(report.Verified
            ? "[green]verified[/]: the store gave every page back as it was written"
            : "[red]NOT verified: a page was given back different[/]");
    }

    private static void Show(IAnsiConsole output, string name, LayersOperation operation)
    {
        output.WriteLine();
        Table table = new Table().Border(TableBorder.Rounded)
            .AddColumn(name)
            .AddColumn(new TableColumn("ns/page").RightAligned())
            .AddColumn(new TableColumn("of all").RightAligned())
            .AddColumn("measured as");
        StringBuilder bar = new();
        int width = Math.Min(MaxBarWidth, output.Profile.Width - 1);
        double drawn = 0;
        for (int i = 0; i < operation.Layers.Count; i++)
        {
            Layer layer = operation.Layers[i];
            string color = Colors[i % Colors.Length];
            char fill = Fills[i % Fills.Length];
            int from = Place(drawn, operation, width);
            drawn += Math.Max(0, layer.Nanoseconds);
            bar.Append(CultureInfo.InvariantCulture, $"[{color}]{new string(fill, Place(drawn, operation, width) - from)}[/]");
            table.AddRow(
                $"[{color}]{fill}[/] {layer.Name}", Figures.Of(layer.Nanoseconds, "N0"),
                Figures.Of(100 * layer.Nanoseconds / operation.Nanoseconds, "0.0") + " %", $"[grey]{layer.Remark}[/]");
        }
        table.AddRow("[bold]in all[/]", $"[bold]{Figures.Of(operation.Nanoseconds, "N0")}[/]", string.Empty, string.Empty);
        output.MarkupLine(bar.ToString());
        int whole = Place(Math.Min(operation.Nanoseconds, operation.Apart), operation, width);
        output.WriteLine("└" + new string('─', Math.Max(0, whole - 2)) + "┘");
        output.Write(table);
    }

    private static int Place(double nanoseconds, LayersOperation operation, int width) =>
        (int)Math.Round(nanoseconds / operation.Apart * width);
}
