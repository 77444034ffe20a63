using System.CommandLine;
using System.Globalization;
using System.Numerics;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace PageFold.Cli.Measure;

/// <summary><c>pagefold measure</c>: how much memory would PageFold save on this data, at what speed, verified.</summary>
internal static class MeasureCommand
{
    private static readonly string[] Codecs = ["lz4", "zstd", "none"];

    public static Command Create()
    {
        Argument<string[]> paths = new("path")
        {
            Description = "Files and folders to measure. Without any, and without --pid, the .NET SDK's own folder.",
            Arity = ArgumentArity.ZeroOrMore,
        };
        Option<string?> pid = new("--pid") { Description = "Measure the present pages of a running process's private memory instead (Linux).", HelpName = "N" };
        Option<string> codec = new("--codec") { Description = "lz4, zstd or none.", DefaultValueFactory = _ => "lz4", HelpName = "NAME" };
        Option<string?> level = new("--level") { Description = "Level of zstd, -7 (fastest) to 22 (densest). Default 3.", HelpName = "N" };
        Option<string> pageSize = new("--page-size") { Description = "Bytes in a page: 4KiB, 8KiB, 16KiB, 32KiB or 64KiB.", DefaultValueFactory = _ => "4KiB", HelpName = "BYTES" };
        Option<string> chain = new("--chain") { Description = "The most frames in a zspage, 1 to 64.", DefaultValueFactory = _ => "64", HelpName = "N" };
        Option<string> threads = new("--threads") { Description = "Threads that store and load.", DefaultValueFactory = _ => "1", HelpName = "N" };
        Option<string?> limit = new("--memory-limit") { Description = "The most memory to hold, as in 512MiB. Default: half of the container's or the machine's.", HelpName = "BYTES" };
        Option<string?> sample = new("--sample") { Description = "Measure about this much of the data, chosen evenly, as in 1GiB. Default: all.", HelpName = "BYTES" };
        Option<string?> json = new("--json") { Description = "Write the report as JSON to a file, or to standard output with -.", HelpName = "FILE|-" };
        Command command = new("measure", "Store real data compressed, read every page back, and show what is saved, at what speed.")
        {
            paths, pid, codec, level, pageSize, chain, threads, limit, sample, json,
        };
        command.SetAction((parsed, cancellation) => Task.FromResult(Run(new MeasureOptions
        {
            Paths = parsed.GetValue(paths) ?? [],
            Pid = parsed.GetValue(pid) is { } text ? Integer("--pid", text, 1, int.MaxValue, "a process's number") : null,
            Codec = ParseCodec(parsed.GetValue(codec)!, parsed.GetValue(level), out int? chosenLevel),
            Level = chosenLevel,
            PageSize = ParsePageSize(parsed.GetValue(pageSize)!),
            Chain = Integer("--chain", parsed.GetValue(chain)!, 1, 64, "1 to 64 frames"),
            Threads = Integer("--threads", parsed.GetValue(threads)!, 1, 1024, "1 to 1024"),
            MemoryLimit = ParseBytes("--memory-limit", parsed.GetValue(limit)),
            SampleBytes = ParseSample(parsed.GetValue(sample), ParsePageSize(parsed.GetValue(pageSize)!)),
            Json = parsed.GetValue(json),
        }, cancellation)));
        return command;
    }

    private static int Run(MeasureOptions options, CancellationToken outer)
    {
        using CancellationTokenSource cancel = CancellationTokenSource.CreateLinkedTokenSource(outer);
        using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
        using PosixSignalRegistration terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
        using JsonTarget? json = options.Json is { } target ? new JsonTarget(target) : null;
        try
        {
            using PageSource source = Open(options, cancel.Token);
            MeasureView view = new(json?.IsStandardOutput == true);
            MeasureProgress progress = new();
            MeasureRun run = new(options, source, progress, cancel.Token);
            MeasureReport report = view.Watch(progress, run.Execute);
            view.Show(report);
            json?.Write(JsonSerializer.Serialize(report, MeasureJson.Default.MeasureReport));
            return ExitCode(report);
        }
        catch (OperationCanceledException)
        {
            Console.Error.WriteLine("pagefold: interrupted while looking for data; nothing was measured.");
            return ExitCodes.Interrupted;
        }
        catch (Exception e) when (e is ArgumentException or InsufficientMemoryException or MemoryLimitException)
        {
            // The library names its options; here they go by other names.
            string message = e.Message.Split(" (Parameter", 2)[0].ReplaceLineEndings(" ");
            throw new UserErrorException(message.Replace("MemoryLimit", "--memory-limit", StringComparison.Ordinal), e);
        }

        void Stop(PosixSignalContext context)
        {
            context.Cancel = true;
            cancel.Cancel();
        }
    }

    private static int ExitCode(MeasureReport report)
    {
        if (report.PagesDifferent > 0)
            return ExitCodes.Failure;
        if (report.Interrupted)
            return ExitCodes.Interrupted;
        return report.LimitReached ? ExitCodes.LimitReached : ExitCodes.Success;
    }

    private static PageSource Open(MeasureOptions options, CancellationToken cancellation)
    {
        if (options.Pid is { } pid)
        {
            if (options.Paths.Count > 0)
                throw new UserErrorException($"--pid {pid} and '{options.Paths[0]}' cannot be measured together; run the command once for each.");
            return new ProcessPageSource(pid, options.PageSize, options.SampleBytes);
        }
        return new FilePageSource(options.Paths.Count > 0 ? options.Paths : [SdkFolder()], options.PageSize, options.SampleBytes, cancellation);
    }

    /// <summary>The folder that holds the SDK and its shared frameworks.</summary>
    private static string SdkFolder()
    {
        string? root = Environment.GetEnvironmentVariable("DOTNET_ROOT");
        if (Directory.Exists(root))
            return root;
        // The runtime lies three folders below it, in shared/Microsoft.NETCore.App/10.0.0. An AOT-compiled command has no runtime folder and looks on the PATH.
        DirectoryInfo? folder = new DirectoryInfo(RuntimeEnvironment.GetRuntimeDirectory()).Parent?.Parent?.Parent;
        if (folder is not null && Directory.Exists(Path.Combine(folder.FullName, "sdk")))
            return folder.FullName;
        foreach (string directory in (Environment.GetEnvironmentVariable("PATH") ?? string.Empty).Split(Path.PathSeparator))
        {
            FileInfo host = new(Path.Combine(directory, OperatingSystem.IsWindows() ? "dotnet.exe" : "dotnet"));
            if (host.Exists && (host.ResolveLinkTarget(returnFinalTarget: true) ?? host) is FileInfo { Directory: { } home })
                return home.FullName;
        }
        throw new UserErrorException("the .NET SDK's folder was not found; name files or folders to measure.");
    }

    private static PageCodec ParseCodec(string name, string? level, out int? chosenLevel)
    {
        chosenLevel = null;
        if (!Codecs.Contains(name, StringComparer.Ordinal))
            throw new UserErrorException($"--codec {name} does not exist; choose lz4, zstd or none.");
        if (name != "zstd")
        {
            if (level is not null)
                throw new UserErrorException($"--level {level} goes with --codec zstd only; {name} has no levels.");
            return name == "lz4" ? PageCodec.Lz4 : PageCodec.None;
        }
        chosenLevel = level is null ? 3 : Integer("--level", level, -7, 22, "-7 to 22");
        return PageCodec.Zstd(chosenLevel.Value);
    }

    private static int ParsePageSize(string text)
    {
        long bytes = ParseBytes("--page-size", text)!.Value;
        if (bytes is < 4096 or > 65536 || !BitOperations.IsPow2(bytes))
            throw new UserErrorException($"--page-size {text} is not a page size; choose 4KiB, 8KiB, 16KiB, 32KiB or 64KiB.");
        return (int)bytes;
    }

    private static long? ParseSample(string? text, int pageSize)
    {
        long? bytes = ParseBytes("--sample", text);
        if (bytes < pageSize)
            throw new UserErrorException($"--sample {text} is smaller than a page of {pageSize} bytes; choose more.");
        return bytes;
    }

    private static long? ParseBytes(string option, string? text)
    {
        if (text is null)
            return null;
        if (!ByteSize.TryParse(text, out long bytes) || bytes <= 0)
            throw new UserErrorException($"{option} {Shown(text)} is not a possible number of bytes; write for example 4096, 512MiB or 1.5GiB.");
        return bytes;
    }

    private static int Integer(string option, string text, int least, int most, string choice)
    {
        if (!int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int value) || value < least || value > most)
            throw new UserErrorException($"{option} {Shown(text)} is not possible; choose {choice}.");
        return value;
    }

    private static string Shown(string text) => text.Length == 0 ? "''" : text;
}
