using System.Text;
using Microsoft.Win32.SafeHandles;
using PageFold.Cli.Data;

namespace PageFold.Cli;

/// <summary>The target of a report, JSON or a drawing.</summary>
/// <remarks>
/// The target is opened before the work begins, so that a wrong path is reported at once. An ordinary file is replaced as a whole at the
/// end.
/// </remarks>
internal sealed class ReportTarget : IDisposable
{
    private readonly string _option;
    private readonly string? _path;
    private readonly FileStream? _inPlace;
    private readonly bool _appends;

    /// <param name="target">A file, or - for standard output.</param>
    /// <param name="option">The option that named it.</param>
    /// <param name="standardOutput">False if it must be a file.</param>
    public ReportTarget(string target, string option = "--json", bool standardOutput = true)
    {
        _option = option;
        int descriptor = -1;
        bool handedOver = target != "-" && OperatingSystem.IsLinux() && FileName.IsDescriptor(target, out descriptor);
        if (standardOutput && (target == "-" || handedOver && descriptor == 1))
            return;
        string otherwise = standardOutput ? ", or - for standard output" : string.Empty;
        if (string.IsNullOrWhiteSpace(target) || target == "-")
        {
            throw new UserErrorException(standardOutput ? $"{option} needs a file{otherwise}."
                : $"{option} {Arguments.Shown(target)} is no file; name one, because the tables go to standard output.");
        }
        if (target.Contains('\uFFFD', StringComparison.Ordinal))
            throw new UserErrorException(
                $"{option} {FileName.Of(target)} is no UTF-8, and would be written under another name; choose another file{otherwise}.");
        _path = Path.GetFullPath(target);
        if (handedOver)
        {
            // An inherited descriptor is written at its position; opening it by name would write at the beginning.
            SafeFileHandle? file = Files.OpenDescriptor(descriptor, out _, out string reason);
            try
            {
                if (file is null)
                    throw new UserErrorException($"{option} {target} cannot be written ({reason}); choose another file{otherwise}.");
                _inPlace = new FileStream(file, FileAccess.Write);
                file = null;
            }
            finally
            {
                file?.Dispose();
            }
            _appends = true;
            return;
        }
        string? folder = Path.GetDirectoryName(_path);
        if (Directory.Exists(_path) || !Directory.Exists(folder))
            throw new UserErrorException($"{option} {target} cannot be written; name a file in a folder that exists{otherwise}.");
        try
        {
            // Devices and pipes report no length. They, links and empty files are opened now and written in place; only an ordinary file is
            // replaced.
            FileInfo file = new(_path);
            if (file.Exists && file.IsReadOnly)
                throw new UnauthorizedAccessException("it is read-only");
            if (file.Exists && (file.LinkTarget is not null || file.Length == 0))
                _inPlace = new FileStream(_path, FileMode.OpenOrCreate, FileAccess.Write, FileShare.Read, bufferSize: 0);
            else
                new FileStream(Temporary, FileMode.Create, FileAccess.Write, FileShare.None, 1, FileOptions.DeleteOnClose).Dispose();
        }
        catch (PathTooLongException e)
        {
            throw IOFailure.NameTooLong($"{option} {target}", TemporarySuffix, e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            string reason = e.Message.Replace(Temporary, _path, StringComparison.Ordinal).TrimEnd('.');
            throw new UserErrorException($"{option} {target} cannot be written ({reason}); choose another file{otherwise}.", e);
        }
    }

    /// <summary>Refuses to overwrite data that is measured.</summary>
    public void RefuseIfAmong(PageSource source)
    {
        if (_path is not null && !_appends && File.Exists(_path) && source.Holds(_path))
            throw new UserErrorException($"{_option} {_path} is a part of the data and would be overwritten; choose another file.");
    }

    /// <summary>True if both targets are the same file.</summary>
    public bool IsSameFile(ReportTarget other) => _path is not null && _path == other._path;

    public bool IsStandardOutput => _path is null;

    private string Temporary => _path + TemporarySuffix;

    private static string TemporarySuffix => $".{Environment.ProcessId}.tmp";

    public void Write(string text)
    {
        if (_path is null)
        {
            Console.Out.WriteLine(text);
            return;
        }
        try
        {
            if (_inPlace is not null)
                WriteInPlace(text);
            else
                Replace(text);
        }
        // The last exception is thrown for a file that would be too large.
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentOutOfRangeException)
        {
            throw new UserErrorException(
                $"the report could not be written to '{_path}' ({e.Message.TrimEnd('.')}); choose another file for {_option}.", e);
        }
    }

    public void Dispose() => _inPlace?.Dispose();

    private void WriteInPlace(string text)
    {
        using Interruptible.Region waiting = Interruptible.MayWait();
        if (!_appends && _inPlace!.CanSeek && _inPlace.Length > 0)
            _inPlace.SetLength(0);
        _inPlace!.Write(Encoding.UTF8.GetBytes(text + "\n"));
        _inPlace.Flush();
    }

    private void Replace(string text)
    {
        try
        {
            File.WriteAllText(Temporary, text + "\n");
            File.Move(Temporary, _path!, overwrite: true);
        }
        finally
        {
            File.Delete(Temporary);
        }
    }
}
