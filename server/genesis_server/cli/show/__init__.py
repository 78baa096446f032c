"""Answers for people: trees and tables on a terminal."""
