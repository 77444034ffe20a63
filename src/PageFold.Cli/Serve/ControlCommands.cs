using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using PageFold.Shared;
using Spectre.Console;

namespace PageFold.Cli.Serve;

/// <summary>The commands that ask a running <c>pagefold serve</c> for something: stat, pages, compact, recompress and their like.</summary>
internal static class ControlCommands
{
    // What the store takes, told here in the option's name.
    private const int MinDictionaryBytes = 1 << 10;
    private const int MaxDictionaryBytes = 1 << 20;
    private const int MaxFoldDictionaryBytes = 1 << 16;

    public static Option<string> ControlOption() =>
        new("--control") { Description = "The server's control socket, as it said when it began.", Required = true, HelpName = "PATH" };

    public static Option<string?> ExportOption() =>
        new("--export") { Description = "The disk that is meant, where there are several.", HelpName = "NAME" };

    public static IEnumerable<Command> Create() => [Stat(), Pages(), SnapshotCommand.Create(), Compact(), Recompress(), WriteBack()];

    public static Option<bool> JsonOption() => new("--json") { Description = "Write the figures as JSON." };

    /// <summary>Does something that takes long and shows how far it is.</summary>
    /// <param name="what">What it is called while it runs; null where the server names each step.</param>
    /// <param name="work">Gets what is to be told of each reply; returns the last.</param>
    public static ControlReply Watch(string? what, Func<Action<ControlReply>, ControlReply> work)
    {
        WorkProgress progress = new();
        return ProgressView.Watch(progress, () =>
        {
            string? shown = what;
            ShareProgress? share = what is null ? null : ShareProgress.Begin(progress, what);
            return work(reply =>
            {
                string? step = reply.Step ?? what;
                if (step is not null && step != shown)
                    share = ShareProgress.Begin(progress, PrintableText.Of(step));
                shown = step;
                share?.Report(reply.Progress.GetValueOrDefault());
            });
        });
    }

    /// <summary>Shows what a server's work has come to, or why it was refused; the exit code.</summary>
    /// <param name="reply">The last reply.</param>
    /// <param name="json">Writes the figures as JSON.</param>
    /// <param name="output">Where the figures go.</param>
    public static int Show(ControlReply reply, bool json, TextWriter output)
    {
        if (reply.Error is { } error)
            return Refused(error, reply.ExitCode);
        if (reply.Note is { } note)
            Console.Error.WriteLine($"pagefold: {PrintableText.Of(note)}");
        IReadOnlyDictionary<string, double> result = reply.Result!;
        if (json)
        {
            IEnumerable<string> figures = result.Select(
                figure => string.Create(CultureInfo.InvariantCulture, $"\"{figure.Key}\":{figure.Value}"));
            IEnumerable<string> words = (reply.Words ?? new Dictionary<string, string?>()).Select(
                word => $"\"{word.Key}\":{(word.Value is { } value ? $"\"{JsonEncodedText.Encode(value)}\"" : "null")}");
            output.WriteLine($"{{{string.Join(',', figures.Concat(words))}}}");
            return reply.ExitCode ?? ExitCodes.Success;
        }
        Table table = new Table().Border(TableBorder.Rounded).HideHeaders().AddColumns(string.Empty, string.Empty);
        table.Columns[1].RightAligned();
        foreach ((string name, double value) in result)
            table.AddRow(Words(name), name.Contains("ytes", StringComparison.Ordinal) ? ByteSize.Format(value)
                : name.EndsWith("econds", StringComparison.Ordinal) ? Figures.Of(value, "0.00") : Figures.Of(value, "N0"));
        if (output == Console.Out)
            AnsiConsole.Write(table);
        else
            AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(output) }).Write(table);
        return reply.ExitCode ?? ExitCodes.Success;
    }

    private static int Run(string control, ControlRequest request, string? what, bool json, CancellationToken cancellation) =>
        Show(Watch(what, told => ControlClient.Ask(control, request, told, cancellation)), json, Console.Out);

    public static int Refused(string error, int? exitCode)
    {
        Console.Error.WriteLine($"pagefold: {PrintableText.Of(error)}");
        return exitCode ?? ExitCodes.Failure;
    }

    // "bytesAfter" reads "bytes after".
    private static string Words(string name) =>
        string.Concat(name.Select(letter => char.IsUpper(letter) ? $" {char.ToLowerInvariant(letter)}" : letter.ToString()));

    private static Command Stat()
    {
        Option<string> control = ControlOption();
        Option<string?> export = ExportOption();
        Option<string?> json = new("--json")
        {
            Description = "Write all figures as JSON to a file, or to standard output with -.",
            HelpName = "[FILE|-]",
            Arity = ArgumentArity.ZeroOrOne,
        };
        Command command = new("stat", "Show what a serving command holds and does.") { control, export, json };
        command.SetAction((parsed, cancellation) => Task.FromResult(Interruptible.Run(
            stop =>
            {
                using ReportTarget? target = parsed.GetResult(json) is { Implicit: false } ? new ReportTarget(parsed.GetValue(json) ?? "-")
                    : null;
                ControlReply reply = ControlClient.Ask(
                    parsed.GetValue(control)!, new ControlRequest { Command = "stat", Export = parsed.GetValue(export) }, told: null, stop);
                if (reply.Error is { } error)
                    return Refused(error, reply.ExitCode);
                if (target?.IsStandardOutput != true)
                    AnsiConsole.Write(DiskView.Render(reply.Report!, before: null));
                target?.Write(JsonSerializer.Serialize(reply.Report!, ServerReportJson.Default.ServerReport));
                return ExitCodes.Success;
            },
            cancellation)));
        return command;
    }

    private static Command Pages()
    {
        Option<string> control = ControlOption();
        Option<string?> export = ExportOption();
        Option<string?> from = new("--from") { Description = "The first page. Default 0.", HelpName = "PAGE" };
        Option<string?> count = new("--count") { Description = "How many pages at most. Default all.", HelpName = "N" };
        Command command = new("pages", "List the stored pages and how each is held, as comma-separated values.")
        {
            control, export, from, count,
        };
        command.SetAction((parsed, cancellation) => Task.FromResult(Interruptible.Run(
            stop =>
            {
                ControlRequest request = new()
                {
                    Command = "pages",
                    Export = parsed.GetValue(export),
                    From = parsed.GetValue(from) is { } first ? PageNumber("--from", first) : null,
                    Count = parsed.GetValue(count) is { } most ? PageNumber("--count", most) : null,
                };
                bool begun = false;
                ControlReply reply = ControlClient.Ask(parsed.GetValue(control)!, request, told: part =>
                {
                    Begin();
                    if (part.Lines is { Count: > 0 } lines)
                        Console.Out.Write(string.Join('\n', lines) + "\n");
                }, stop);
                if (reply.Error is { } error)
                    return Refused(error, reply.ExitCode);
                Begin();
                return ExitCodes.Success;

                void Begin()
                {
                    if (!begun)
                        Console.Out.WriteLine("page,offset,state,storedBytes,codec,settled,idleSeconds");
                    begun = true;
                }
            },
            cancellation)));
        return command;
    }

    private static Command Compact()
    {
        Option<string> control = ControlOption();
        Option<string?> export = ExportOption();
        Option<bool> json = JsonOption();
        Command command = new("compact", "Move pages together, so that memory goes back to the system. Clients may work meanwhile.")
        {
            control, export, json,
        };
        command.SetAction((parsed, cancellation) => Task.FromResult(Interruptible.Run(
            stop => Run(parsed.GetValue(control)!, new ControlRequest { Command = "compact", Export = parsed.GetValue(export) },
                "Compacting", parsed.GetValue(json), stop),
            cancellation)));
        return command;
    }

    private static Command Recompress()
    {
        Option<string> control = ControlOption();
        Option<string?> export = ExportOption();
        Option<string> codec = new("--codec")
        {
            Description = $"{CodecNames.Compressing}.",
            DefaultValueFactory = _ => CodecNames.FoldDense,
            HelpName = "NAME[:LEVEL]",
        };
        Option<string?> train = new("--train")
        {
            Description = "Train on the disk's own pages first: tables of fold with a dictionary, kept where that gains, or a dictionary "
                + "of zstd; in place of earlier ones of the codec. The dictionary has up to 32 KiB, or as much as told: 64 KiB at most "
                + "with fold (0 for tables without one), 1 MiB with zstd.",
            HelpName = "[BYTES]",
            Arity = ArgumentArity.ZeroOrOne,
        };
        Option<bool> forWrites = new("--for-writes") { Description = "Use the codec for new writes too, from then on." };
        Option<string?> idle = new("--idle") { Description = "Only pages not used for so long, as in 10m.", HelpName = "TIME" };
        Option<bool> incompressible = new("--incompressible") { Description = "Only pages that are stored raw." };
        Option<string?> least = new("--at-least") { Description = "Only pages of which so many bytes are stored.", HelpName = "BYTES" };
        Option<string?> most = new("--count") { Description = "End after so many pages.", HelpName = "N" };
        Option<bool> retry = new("--retry") { Description = "Also pages that another codec, or this one, made no smaller before." };
        Option<bool> json = JsonOption();
        Command command = new("recompress", "Compress pages once more with a denser codec. Clients may work meanwhile.")
        {
            control, export, codec, train, forWrites, idle, incompressible, least, most, retry, json,
        };
        command.SetAction((parsed, cancellation) => Task.FromResult(Interruptible.Run(
            stop =>
            {
                NamedCodec named = CodecNames.Denser("--codec", parsed.GetValue(codec)!);
                bool isFold = named.Name is CodecNames.Fold or CodecNames.FoldDense;
                ControlRequest request = new()
                {
                    Command = "recompress",
                    Export = parsed.GetValue(export),
                    Codec = parsed.GetValue(codec),
                    TrainBytes = parsed.GetResult(train) is { Implicit: false }
                        ? DictionaryBytes(parsed.GetValue(train) ?? "32KiB", isFold) : null,
                    ForWrites = parsed.GetValue(forWrites),
                    IdleSeconds = parsed.GetValue(idle) is { } time ? ServeArguments.Time("--idle", time).TotalSeconds : null,
                    OnlyIncompressible = parsed.GetValue(incompressible),
                    MinStoredBytes = Arguments.Bytes("--at-least", parsed.GetValue(least)) is { } bytes
                        ? (int)Math.Min(int.MaxValue, bytes) : null,
                    Count = parsed.GetValue(most) is { } pages
                        ? Arguments.Integer("--count", pages, 1, int.MaxValue, "1 or more pages") : null,
                    Retry = parsed.GetValue(retry),
                };
                return Run(parsed.GetValue(control)!, request, what: null, parsed.GetValue(json), stop);
            },
            cancellation)));
        return command;
    }

    private static int? DictionaryBytes(string text, bool isFold) => isFold && text == "0" ? 0
        : Arguments.Bytes("--train", text, MinDictionaryBytes, isFold ? MaxFoldDictionaryBytes : MaxDictionaryBytes);

    private static Command WriteBack()
    {
        Option<string> control = ControlOption();
        Option<string?> export = ExportOption();
        Option<string?> idle = new("--idle") { Description = "Only pages not used for so long, as in 1h.", HelpName = "TIME" };
        Option<bool> incompressible = new("--incompressible") { Description = "Only pages that are stored raw." };
        Option<string?> most = new("--most") { Description = "End when so many bytes have left memory.", HelpName = "BYTES" };
        Option<bool> json = JsonOption();
        Command command = new(
            "writeback",
            "Move pages from memory to the server's writeback file, compressed as they are; they are read from there. Clients may work "
                + "meanwhile.")
        {
            control, export, idle, incompressible, most, json,
        };
        command.SetAction((parsed, cancellation) => Task.FromResult(Interruptible.Run(
            stop => Run(
                parsed.GetValue(control)!,
                new ControlRequest
                {
                    Command = "writeback",
                    Export = parsed.GetValue(export),
                    IdleSeconds = parsed.GetValue(idle) is { } time ? ServeArguments.Time("--idle", time).TotalSeconds : null,
                    OnlyIncompressible = parsed.GetValue(incompressible),
                    MaxBytes = Arguments.Bytes("--most", parsed.GetValue(most)),
                },
                "Writing back",
                parsed.GetValue(json),
                stop),
            cancellation)));
        return command;
    }

    private static long PageNumber(string option, string text) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long number) && number <= PageStore.MaxPage
            ? number
            : throw new UserErrorException($"{option} {Arguments.Shown(text)} is not possible; choose 0 to {PageStore.MaxPage}.");
}
