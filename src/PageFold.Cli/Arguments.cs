using System.Globalization;
using System.Numerics;
using System.Runtime.InteropServices;
using PageFold.Cli.Data;

namespace PageFold.Cli;

/// <summary>Parses the options that several commands share; a wrong value gets a message of one line.</summary>
internal static class Arguments
{
    /// <summary>The description of <c>--holdout</c>.</summary>
    public const string HoldOutHelp = "Leave out the files on which the codecs' built-in tables may be trained: those of which the hash "
        + "of the full path is even. It changes nothing for devices, pipes and --pid.";

    /// <summary>Opens the data of a command: the memory of a process, the named paths, or else the .NET SDK's own folder.</summary>
    /// <param name="paths">Files, folders, devices and streams.</param>
    /// <param name="pid">The process, instead of paths.</param>
    /// <param name="pageSize">Bytes in a page.</param>
    /// <param name="sampleBytes">The approximate size of the sample; null for all data.</param>
    /// <param name="holes">True if holes of sparse files count as pages of zeros, false if they are left out.</param>
    /// <param name="targets">The files of reports, which must not be a part of the data.</param>
    /// <param name="cancellation">Cancels the search for data and the reading of streams.</param>
    /// <param name="holdOut">True to leave out files on which tables may be trained.</param>
    public static PageSource OpenData(IReadOnlyList<string> paths, int? pid, int pageSize, long? sampleBytes, bool holes,
        ReportTarget?[] targets, CancellationToken cancellation, bool holdOut = false)
    {
        PageSource source = OpenData(paths, pid, pageSize, sampleBytes, holes, holdOut, cancellation);
        try
        {
            foreach (ReportTarget? target in targets)
                target?.RefuseIfAmong(source);
            return source;
        }
        catch
        {
            source.Dispose();
            throw;
        }
    }

    public static int? Pid(string? text) => text is null ? null : Integer("--pid", text, 1, int.MaxValue, "a process's number");

    public static int PageSize(string text, string option = "--page-size", string what = "a page size")
    {
        if (!ByteSize.TryParse(text, out long bytes) || bytes is < 4096 or > 65536 || !BitOperations.IsPow2(bytes))
            throw new UserErrorException($"{option} {Shown(text)} is not {what}; choose 4KiB, 8KiB, 16KiB, 32KiB or 64KiB.");
        return (int)bytes;
    }

    /// <summary>Parses page sizes, each of which may be given once.</summary>
    public static IReadOnlyList<int> PageSizes(string[] texts)
    {
        int[] sizes = [.. Several(texts).Select(text => PageSize(text))];
        return sizes.Distinct().Count() == sizes.Length
            ? sizes
            : throw new UserErrorException($"--page-size {string.Join(' ', texts)} names a size twice; name each once.");
    }

    public static long? Sample(string? text, int pageSize)
    {
        long? bytes = Bytes("--sample", text);
        if (bytes < pageSize)
            throw new UserErrorException($"--sample {text} is smaller than a page of {pageSize} bytes; choose more.");
        return bytes;
    }

    public static long? Bytes(string option, string? text, long least = 1)
    {
        if (text is null)
            return null;
        if (!ByteSize.TryParse(text, out long bytes) || bytes < least)
        {
            string range = least > 0 ? "more than zero and less than 8EiB" : "and less than 8EiB";
            throw new UserErrorException(
                $"{option} {Shown(text)} is not a possible number of bytes; write for example 4096, 512MiB or 1.5GiB, {range}.");
        }
        return bytes;
    }

    /// <summary>Parses a size that has a minimum and a maximum.</summary>
    public static int Bytes(string option, string text, int least, int most)
    {
        if (!ByteSize.TryParse(text, out long bytes) || bytes < least || bytes > most)
        {
            throw new UserErrorException(
                $"{option} {Shown(text)} is not possible; choose {ByteSize.Format(least)} to {ByteSize.Format(most)} ({least} to {most} "
                    + "bytes).");
        }
        return (int)bytes;
    }

    public static int Integer(string option, string text, int least, int most, string choice)
    {
        bool isNumber = int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int value);
        if (!isNumber || value < least || value > most)
            throw new UserErrorException($"{option} {Shown(text)} is not possible; choose {choice}.");
        return value;
    }

    /// <summary>Parses numbers, each of which may be given once.</summary>
    public static IReadOnlyList<int> Integers(string option, string[] texts, int least, int most, string choice)
    {
        string[] several = Several(texts);
        if (Array.Find(several, Path.Exists) is { } path)
            throw new UserErrorException($"{option} takes numbers, and '{path}' is a path; to name data, write --data {path}.");
        int[] numbers = [.. several.Select(text => Integer(option, text, least, most, choice))];
        return numbers.Distinct().Count() == numbers.Length
            ? numbers
            : throw new UserErrorException($"{option} {string.Join(' ', texts)} names a number twice; name each once.");
    }

    /// <summary>Splits values that are separated by commas or spaces.</summary>
    public static string[] Several(string[] texts) => [.. texts.SelectMany(text => text.Split(',')).Select(text => text.Trim())];

    /// <summary>The library names its options; in a message of the command they go by the command's names.</summary>
    public static UserErrorException Translate(Exception e) => new(OptionNames.Rename(e).ReplaceLineEndings(" "), e);

    private static PageSource OpenData(
        IReadOnlyList<string> paths, int? pid, int pageSize, long? sampleBytes, bool holes, bool holdOut, CancellationToken cancellation)
    {
        if (pid is not { } process)
            return new FilePageSource(paths.Count > 0 ? paths : [SdkFolder()], pageSize, sampleBytes, holes, cancellation, holdOut);
        if (paths.Count > 0)
            throw new UserErrorException($"--pid {process} and '{paths[0]}' cannot be measured together; run the command once for each.");
        return new ProcessPageSource(process, pageSize, sampleBytes);
    }

    /// <summary>Finds the folder of the SDK and its shared frameworks.</summary>
    private static string SdkFolder()
    {
        string? root = Environment.GetEnvironmentVariable("DOTNET_ROOT");
        if (Directory.Exists(root))
            return root;
        // The runtime is three folders below it, in shared/Microsoft.NETCore.App/10.0.0. An AOT-compiled command has no runtime folder and
        // searches the PATH.
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

    /// <summary>Shows a value in a message, with quotes if it is empty.</summary>
    public static string Shown(string text) => text.Length == 0 ? "''" : text;
}
