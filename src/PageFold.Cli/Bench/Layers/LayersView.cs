using System.Globalization;
using Spectre.Console;

namespace PageFold.Cli.Bench.Layers;

/// <summary>Shows the layers to a person: a bar of parts and a table for each operation.</summary>
internal static class LayersView
{
    private static readonly Color[] Colors = [Color.Green, Color.Blue, Color.Yellow, Color.Red, Color.Purple, Color.Grey];

    public static void Show(LayersReport report)
    {
        IAnsiConsole output = AnsiConsole.Console;
        output.WriteLine();
        output.MarkupLine(Markup.Escape($"{report.Source}: {report.Pages:N0} pages of {ByteSize.Format(report.PageSize)}, {report.Implementation}, one thread, random order, warm memory"));
        Show(output, "Store", report.Store);
        Show(output, "Load", report.Load);
        output.MarkupLine($"[grey]median of {report.Rounds} rounds; layers that are differences carry the noise of both[/]");
    }

    private static void Show(IAnsiConsole output, string name, LayersOperation operation)
    {
        output.WriteLine();
        BreakdownChart chart = new BreakdownChart().Width(100).HideTags();
        Table table = new Table().Border(TableBorder.Rounded).AddColumn(name).AddColumn(new TableColumn("ns a page").RightAligned()).AddColumn(new TableColumn("of all").RightAligned()).AddColumn("measured as");
        for (int i = 0; i < operation.Layers.Count; i++)
        {
            Layer layer = operation.Layers[i];
            chart.AddItem(layer.Name, Math.Max(0, layer.Nanoseconds), Colors[i % Colors.Length]);
            table.AddRow(
                $"[{Colors[i % Colors.Length].ToMarkup()}]█[/] {layer.Name}", Figure(layer.Nanoseconds, "N0"),
                Figure(100 * layer.Nanoseconds / operation.Nanoseconds, "0.0") + " %", $"[grey]{layer.Remark}[/]");
        }
        table.AddRow("[bold]in all[/]", $"[bold]{Figure(operation.Nanoseconds, "N0")}[/]", string.Empty, string.Empty);
        output.Write(chart);
        output.Write(table);
    }

    private static string Figure(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);
}
